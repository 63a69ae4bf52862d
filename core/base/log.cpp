// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <cstdlib>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <string>

namespace fairy2::base {
namespace {

spdlog::level::level_enum toSpdlog(LogLevel level) {
    switch (level) {
    case LogLevel::Debug:
        return spdlog::level::debug;
    case LogLevel::Info:
        return spdlog::level::info;
    case LogLevel::Warning:
        return spdlog::level::warn;
    case LogLevel::Error:
        break;
    }
    return spdlog::level::err;
}

spdlog::logger& logger() {
    static const auto instance = [] {
        auto created = std::make_shared<spdlog::logger>(
            "fairy2", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
        created->set_pattern("%Y-%m-%dT%H:%M:%S %^%l%$ %v");
        created->set_level(spdlog::level::warn);
        if (const char* wish = std::getenv("FAIRY2_LOG"); wish != nullptr)
            created->set_level(spdlog::level::from_str(wish));
        return created;
    }();
    return *instance;
}

} // namespace

void log(LogLevel level, std::string_view message) {
    logger().log(toSpdlog(level), message);
}

void setLogLevel(LogLevel least) {
    if (std::getenv("FAIRY2_LOG") == nullptr) logger().set_level(toSpdlog(least));
}

} // namespace fairy2::base
