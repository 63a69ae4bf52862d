// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <optional>
#include <string>
#include <sys/types.h>

namespace fairy2::runs {

/// One process beyond doubt: a pid alone may be given to another process, or belong to an earlier boot.
struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t startTime = 0; ///< clock ticks since boot (/proc/PID/stat, field 22)
    std::string bootId;          ///< /proc/sys/kernel/random/boot_id
    bool operator==(const ProcessIdentity&) const = default;
};

/// Of a process that lives now; nothing when there is none, or it has ended and only waits to be reaped.
[[nodiscard]] std::optional<ProcessIdentity> identityOf(pid_t pid);

/// supervisor.json of a run directory.
[[nodiscard]] base::Result<void> writeSupervisorFile(const base::Path& run, const std::string& uuid);
void removeSupervisorFile(const base::Path& run);
/// The supervisor named there, if it still lives.
[[nodiscard]] std::optional<pid_t> livingSupervisor(const base::Path& run);

} // namespace fairy2::runs
