// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fairy2::cli {

/// Rows of text under headings, for people: columns as wide as they must be, two spaces apart. A heading that
/// starts with '>' is shown without it and its column is aligned to the right, as numbers should be. Without
/// any heading to show there is no line of them.
class Table {
public:
    explicit Table(std::vector<std::string> headings);
    void add(std::vector<std::string> row);
    [[nodiscard]] std::string text() const;

private:
    std::vector<bool> m_right;
    std::vector<std::vector<std::string>> m_rows; ///< the headings first
};

/// Width on a terminal of UTF-8 text without combining or wide characters: its code points.
[[nodiscard]] std::size_t displayWidth(const std::string& text) noexcept;

} // namespace fairy2::cli
