// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <algorithm>

namespace fairy2::base {

std::string printable(std::string_view text, std::size_t maxBytes) {
    const auto continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
    };
    std::size_t length = std::min(text.size(), maxBytes);
    while (length > 0 && length < text.size() && continues(length))
        --length;
    std::string shown(text.substr(0, length));
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
    if (length < text.size()) shown += "…";
    return shown;
}

} // namespace fairy2::base
