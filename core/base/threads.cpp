// SPDX-License-Identifier: Apache-2.0
#include "base/threads.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <sched.h>
#include <thread>
#include <vector>

namespace fairy2::base {

int threadCount() {
    static const int count = [] {
        if (const char* wish = std::getenv("FAIRY2_THREADS"); wish != nullptr && std::atoi(wish) > 0)
            return std::atoi(wish);
        cpu_set_t set;
        CPU_ZERO(&set);
        if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
        return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    }();
    return count;
}

void parallelFor(std::int64_t count, const std::function<void(std::int64_t)>& body, int threads) {
    if (threads <= 0) threads = threadCount();
    threads = static_cast<int>(std::min<std::int64_t>(threads, count));
    if (threads <= 1) {
        for (std::int64_t i = 0; i < count; ++i)
            body(i);
        return;
    }
    std::atomic<std::int64_t> next{0};
    const auto work = [&] {
        for (std::int64_t i = next++; i < count; i = next++)
            body(i);
    };
    std::vector<std::jthread> helpers;
    for (int t = 1; t < threads; ++t)
        helpers.emplace_back(work);
    work();
}

} // namespace fairy2::base
