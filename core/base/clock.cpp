// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <chrono>
#include <ctime>

namespace fairy2::base {

double wallTime() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double steadyTime() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string isoTime(double wallSeconds) {
    const auto seconds = static_cast<std::time_t>(wallSeconds);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

} // namespace fairy2::base
