// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace fairy2::cli {

/// 62 917 632 → "62.9 MB": decimal units, as the Hub shows them.
[[nodiscard]] std::string bytesText(std::uint64_t bytes);
/// 31463808 → "31,463,808".
[[nodiscard]] std::string countText(std::int64_t count);

} // namespace fairy2::cli
