// SPDX-License-Identifier: Apache-2.0
#include "units.h"

#include <fmt/format.h>

namespace fairy2::cli {

std::string bytesText(std::uint64_t bytes) {
    const auto value = static_cast<double>(bytes);
    if (value >= 1e9) return fmt::format("{:.2f} GB", value / 1e9);
    if (value >= 1e6) return fmt::format("{:.1f} MB", value / 1e6);
    return fmt::format("{:.1f} kB", value / 1e3);
}

std::string countText(std::int64_t count) {
    auto digits = std::to_string(count);
    for (std::size_t at = digits.size(); at > 3; at -= 3)
        digits.insert(at - 3, 1, ',');
    return digits;
}

} // namespace fairy2::cli
