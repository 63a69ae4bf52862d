// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <QString>
#include <QStringList>
#include <optional>
#include <string>
#include <vector>

namespace fairy2::itemmodels {

/// Overrides as the box of the Train page and the command line hold them: words parted by blanks or lines,
/// quoted as in a shell. The one truth about what will be trained.
class OverrideList {
public:
    OverrideList() = default;
    explicit OverrideList(std::vector<std::string> words) : m_words(std::move(words)) {}
    /// An unclosed quotation mark is an error.
    [[nodiscard]] static base::Result<OverrideList> parse(const QString& text);

    [[nodiscard]] const std::vector<std::string>& words() const noexcept { return m_words; }
    /// The text behind "key=" ("+key=", "++key="), or nothing.
    [[nodiscard]] std::optional<std::string> value(const std::string& key) const;
    /// Replaces the value where the key stands already, else appends key=value.
    void set(const std::string& key, const std::string& value);
    void remove(const std::string& key);

    /// One override a line, quoted where a shell would need it: parse(text()) gives the same words.
    [[nodiscard]] QString text() const;
    /// The line that starts the same training in a terminal.
    [[nodiscard]] QString command() const;

private:
    std::vector<std::string> m_words;
};

/// One word as a POSIX shell reads it back.
[[nodiscard]] QString shellQuoted(const std::string& word);
/// A string as a value of Hydra's override grammar, in quotation marks where it would be misread bare.
[[nodiscard]] std::string overrideValue(const std::string& text);

} // namespace fairy2::itemmodels
