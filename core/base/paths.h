// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

namespace fairy2::base {

/// Where runs and the registry live: FAIRY2_HOME, else $XDG_DATA_HOME/fairy2, else ~/.local/share/fairy2.
[[nodiscard]] Path homeDirectory();
/// Window layout, history and logs: under FAIRY2_HOME when set, else $XDG_STATE_HOME/fairy2.
[[nodiscard]] Path stateDirectory();
/// Things that can be computed again (analysis, sensitivity): under FAIRY2_HOME, else $XDG_CACHE_HOME/fairy2.
[[nodiscard]] Path cacheDirectory();
/// Folder of data that ships with the program (configs/, demo/): FAIRY2_DATA, else beside the installed
/// program, else the source tree it was built from.
[[nodiscard]] Path dataDirectory();
/// Another of our programs ("fairy2", "fairy2-trainer"), looked for beside the running one, then in PATH.
[[nodiscard]] Result<Path> findProgram(const std::string& name);
/// The version of this build, "0.1.0".
[[nodiscard]] const char* version() noexcept;

} // namespace fairy2::base
