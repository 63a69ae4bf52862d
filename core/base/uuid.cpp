// SPDX-License-Identifier: Apache-2.0
#include "base/uuid.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/random.h>

namespace fairy2::base {

std::string newUuid() {
    std::array<std::uint8_t, 16> b{};
    if (::getrandom(b.data(), b.size(), 0) != static_cast<ssize_t>(b.size())) std::abort();
    b[6] = static_cast<std::uint8_t>((b[6] & 0x0f) | 0x40);
    b[8] = static_cast<std::uint8_t>((b[8] & 0x3f) | 0x80);
    std::string text;
    for (std::size_t i = 0; i < b.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += fmt::format("{:02x}", b[i]);
    }
    return text;
}

} // namespace fairy2::base
