// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fairy2::data {

/// Rows of token ids, ragged or all of one length: what evaluation, sensitivity and the small trainer read.
class TokenRows {
public:
    /// FILE.safetensors with an I32 (or I64) tensor [rows, length] under `key` (empty = the only or first
    /// one), or FILE.txt with one row of ids a line (blanks between, empty lines passed over; 1 GiB at most).
    /// Ids are checked against vocabSize when it is > 0; the error names row (counted from 0), place and id.
    [[nodiscard]] static base::Result<TokenRows> open(const base::Path& path, const std::string& key = {},
                                                      std::int64_t vocabSize = 0);
    [[nodiscard]] static TokenRows fromRows(const std::vector<std::vector<std::int32_t>>& rows);

    [[nodiscard]] std::int64_t rows() const noexcept {
        return static_cast<std::int64_t>(m_starts.size()) - 1;
    }
    [[nodiscard]] std::span<const std::int32_t> row(std::int64_t index) const noexcept;
    [[nodiscard]] std::int64_t tokens() const noexcept { return static_cast<std::int64_t>(m_ids.size()); }
    /// Keys of the I32/I64 matrices in a safetensors file, in file order ("web", "general").
    [[nodiscard]] static base::Result<std::vector<std::string>> keys(const base::Path& path);

private:
    [[nodiscard]] static base::Result<TokenRows>
    openSafetensors(const base::Path& path, const std::string& key, std::int64_t vocabSize);
    [[nodiscard]] static base::Result<TokenRows> openText(const base::Path& path, std::int64_t vocabSize);

    std::vector<std::int32_t> m_ids;
    std::vector<std::size_t> m_starts{0};
};

} // namespace fairy2::data
