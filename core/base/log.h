// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace fairy2::base {

enum class LogLevel { Debug, Info, Warning, Error };

/// One line on stderr with time and level; FAIRY2_LOG=debug|info|warning|error sets the least level (default
/// warning for the command line, info for the supervisor and trainer).
void log(LogLevel level, std::string_view message);
void setLogLevel(LogLevel least);

} // namespace fairy2::base
