// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace fairy2::base {

/// Cores this process may use (affinity and cgroup respected), at least 1; FAIRY2_THREADS overrides.
[[nodiscard]] int threadCount();

/// Calls body(i) once for each i in [0, count), on up to `threads` threads (0 = threadCount()), and waits.
/// Items are handed out one by one, so uneven ones balance. body must not throw.
void parallelFor(std::int64_t count, const std::function<void(std::int64_t)>& body, int threads = 0);

} // namespace fairy2::base
