// SPDX-License-Identifier: Apache-2.0
#include "text/streamdecoder.h"

#include <algorithm>

namespace fairy2::text {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd"; // U+FFFD
// A character has four bytes at most; a longer run that stays undecodable is not going to become one.
constexpr std::size_t kMostHeldBack = 64;

std::size_t commonPrefix(std::string_view a, std::string_view b) {
    const auto differs = std::mismatch(
        a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
    auto length = static_cast<std::size_t>(differs.first - a.begin());
    while (length > 0 && length < b.size() && (static_cast<unsigned char>(b[length]) & 0xC0U) == 0x80U)
        --length;
    return length;
}

} // namespace

base::Result<StreamDecoder> StreamDecoder::create(const Tokenizer& tokenizer,
                                                  std::span<const std::int32_t> prompt, bool skipSpecial) {
    StreamDecoder decoder(tokenizer, skipSpecial);
    decoder.m_ids.assign(prompt.begin(), prompt.end());
    decoder.m_contextIds = prompt.size();
    FAIRY2_ASSIGN(decoder.m_contextText, decoder.m_tokenizer->decode(decoder.m_ids, skipSpecial));
    return decoder;
}

base::Result<std::string> StreamDecoder::push(std::int32_t id) {
    m_ids.push_back(id);
    FAIRY2_ASSIGN(const std::string text, m_tokenizer->decode(m_ids, m_skipSpecial));
    const bool whole = !text.ends_with(kReplacement);
    if (!whole && m_ids.size() - m_contextIds < kMostHeldBack) return std::string();
    return release(text);
}

base::Result<std::string> StreamDecoder::finish() {
    if (m_ids.size() == m_contextIds) return std::string();
    FAIRY2_ASSIGN(const std::string text, m_tokenizer->decode(m_ids, m_skipSpecial));
    return release(text);
}

// Gives out what `text` says beyond the context. The ids just given out become the next context: decoders
// drop a space at the very start, so a piece is never decoded without something before it.
base::Result<std::string> StreamDecoder::release(const std::string& text) {
    std::string piece = text.substr(commonPrefix(m_contextText, text));
    if (piece.empty()) return piece;
    m_ids.erase(m_ids.begin(), m_ids.begin() + static_cast<std::ptrdiff_t>(m_contextIds));
    m_contextIds = m_ids.size();
    FAIRY2_ASSIGN(m_contextText, m_tokenizer->decode(m_ids, m_skipSpecial));
    return piece;
}

} // namespace fairy2::text
