// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairy2::text {

/// A Hugging Face tokenizer (the Rust `tokenizers` library behind a C interface). Safe to share between
/// threads.
class Tokenizer {
public:
    /// `path`: a folder holding tokenizer.json (or vocab.json + merges.txt), or such a file. 64 MiB at most.
    /// Truncation and padding stored in tokenizer.json are switched off.
    [[nodiscard]] static base::Result<std::shared_ptr<const Tokenizer>> open(const base::Path& path);
    ~Tokenizer();
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;

    /// Ids of a text of at most 1 GiB; BadInput when it is not valid UTF-8.
    [[nodiscard]] base::Result<std::vector<std::int32_t>> encode(std::string_view utf8,
                                                                 bool addSpecial = false) const;
    /// The text of ids. Unknown ids decode to nothing, incomplete characters to U+FFFD, as in the library.
    [[nodiscard]] base::Result<std::string> decode(std::span<const std::int32_t> ids,
                                                   bool skipSpecial = true) const;
    [[nodiscard]] std::int64_t vocabSize() const noexcept { return m_vocabSize; } ///< added tokens included
    [[nodiscard]] std::int64_t largestId() const noexcept { return m_largestId; }
    [[nodiscard]] const base::Path& path() const noexcept { return m_path; } ///< the file it was read from

private:
    Tokenizer(void* handle, base::Path path) : m_handle(handle), m_path(std::move(path)) {}
    void* m_handle;
    base::Path m_path;
    std::int64_t m_vocabSize = 0;
    std::int64_t m_largestId = 0;
};

} // namespace fairy2::text
