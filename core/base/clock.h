// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fairy2::base {

/// Seconds since the epoch, with fractions: what logs and the registry store.
[[nodiscard]] double wallTime();
/// Seconds on a clock that never jumps: for durations only.
[[nodiscard]] double steadyTime();
/// UTC as ISO 8601, "2026-11-23T20:13:05Z".
[[nodiscard]] std::string isoTime(double wallSeconds);

} // namespace fairy2::base
