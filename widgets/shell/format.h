// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <cstdint>

namespace fairy2::shell {

/// 31 458 816 → "31.5 M", 1 234 → "1 234" (thin spaces), 4.1e9 → "4.1 B".
[[nodiscard]] QString countText(std::int64_t count);
/// 62 917 632 → "62.9 MB": decimal units, as file managers and the Hub show them.
[[nodiscard]] QString bytesText(std::uint64_t bytes);
/// 0.021 → "21 ms", 0.8 → "0.8 s", 75 → "1 min 15 s", 8000 → "2 h 13 min".
[[nodiscard]] QString durationText(double seconds);
/// A number with `digits` after the point and a real minus sign; "–" for NaN.
[[nodiscard]] QString numberText(double value, int digits);
/// As numberText with "+" before positive ones: differences.
[[nodiscard]] QString signedText(double value, int digits);
/// 0.252 → "25.2 %".
[[nodiscard]] QString percentText(double share, int digits = 1);

} // namespace fairy2::shell
