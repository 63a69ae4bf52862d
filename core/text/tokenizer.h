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
    [[nodiscard]] static base::Result<std::shared_ptr<const Tokenizer>> open(const base::Path& path);
    ~Tokenizer();
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;

    [[nodiscard]] base::Result<std::vector<std::int32_t>> encode(std::string_view utf8,
                                                                 bool addSpecial = false) const;
    [[nodiscard]] base::Result<std::string> decode(std::span<const std::int32_t> ids,
                                                   bool skipSpecial = true) const;
    [[nodiscard]] std::int64_t vocabSize() const noexcept; ///< added tokens included

private:
    explicit Tokenizer(void* handle) : m_handle(handle) {}
    void* m_handle;
};

} // namespace fairy2::text
