// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>
#include <cstdint>
#include <optional>

namespace fairy2::itemmodels {

// Numbers as tables and labels show them. What is unknown (NaN, absent) is an en dash, never a zero.

[[nodiscard]] QString unknownText();
/// With a fixed number of decimals: "1.829".
[[nodiscard]] QString fixedText(std::optional<double> value, int decimals = 3);
/// Always signed, with a true minus: "+0.128", "−0.003".
[[nodiscard]] QString signedText(std::optional<double> value, int decimals = 3);
/// Grouped by narrow spaces: "214 380".
[[nodiscard]] QString countText(std::int64_t count);
/// Three significant digits and a decimal prefix: "31.5 M", "214k".
[[nodiscard]] QString shortCountText(std::optional<double> count);
/// Decimal units, three significant digits: "62.9 MB".
[[nodiscard]] QString bytesText(std::optional<double> bytes);
/// "46 %" of a fraction in 0..1.
[[nodiscard]] QString percentText(std::optional<double> fraction, int decimals = 0);
/// Rounded to what a person waits for: "45 s", "8 min", "1 h 20 min", "3 d 4 h".
[[nodiscard]] QString durationText(std::optional<double> seconds);

} // namespace fairy2::itemmodels
