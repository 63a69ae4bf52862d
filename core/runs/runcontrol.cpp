// SPDX-License-Identifier: Apache-2.0
#include "runs/launcher.h"
#include "runs/supervisorfile.h"

#include <cerrno>
#include <csignal>
#include <unistd.h>

extern "C" { // glibc 2.36 forgot this in the header
#include <sys/pidfd.h>
}

namespace fairy2::runs {

base::Result<void> stop(const RunDirectory& run) {
    const auto notRunning = [&] {
        return base::fail(base::ErrorCode::Usage,
                          "the run has no live supervisor, so there is nothing to stop", run.path().string());
    };
    const auto pid = livingSupervisor(run.path());
    if (!pid) return notRunning();
    // A handle pins the process: what was verified is what gets the signal.
    const int handle = ::pidfd_open(*pid, 0);
    if (handle < 0) return notRunning();
    const bool same = livingSupervisor(run.path()) == pid;
    const bool sent = same && ::pidfd_send_signal(handle, SIGTERM, nullptr, 0) == 0;
    const int reason = errno;
    ::close(handle);
    if (!same) return notRunning();
    if (!sent) return tl::unexpected(base::systemError("signal the supervisor of", run.path(), reason));
    return {};
}

bool supervisorAlive(const base::Path& directory) {
    return livingSupervisor(directory).has_value();
}

} // namespace fairy2::runs
