// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text/tokenizer.h"

namespace fairy2::text {

/// Turns ids that come one by one into text whose pieces, joined, are the decoding of all of them. A piece is
/// held back until its last character is whole. The tokenizer must outlive the decoder.
class StreamDecoder {
public:
    /// `prompt`: ids that stand before the stream and are not part of its text; they decide whether the first
    /// piece begins with a space.
    [[nodiscard]] static base::Result<StreamDecoder>
    create(const Tokenizer& tokenizer, std::span<const std::int32_t> prompt = {}, bool skipSpecial = true);

    /// The text that became certain by this id; often empty.
    [[nodiscard]] base::Result<std::string> push(std::int32_t id);
    /// What is still held back, incomplete characters as U+FFFD.
    [[nodiscard]] base::Result<std::string> finish();

private:
    StreamDecoder(const Tokenizer& tokenizer, bool skipSpecial)
        : m_tokenizer(&tokenizer), m_skipSpecial(skipSpecial) {}
    [[nodiscard]] base::Result<std::string> release(const std::string& text);

    const Tokenizer* m_tokenizer;
    bool m_skipSpecial;
    std::vector<std::int32_t> m_ids; ///< context whose text has been given out, then what is held back
    std::size_t m_contextIds = 0;
    std::string m_contextText;
};

} // namespace fairy2::text
