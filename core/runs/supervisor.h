// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/rundirectory.h"

#include <functional>

namespace fairy2::runs {

/// The body of `fairy2 supervise`: starts the trainer, records state changes, forwards SIGTERM (25 s, then
/// SIGKILL), explains the end. Returns the exit code of the process. `started` is called once the run is
/// taken and its state is on disk, or with the error that prevents it.
[[nodiscard]] int supervise(const base::Path& directory, bool resume,
                            const std::function<void(const base::Result<void>&)>& started = {});

/// The same in a session of its own: returns as soon as the run is taken (0) or refused (1, said on stderr).
[[nodiscard]] int superviseDetached(const base::Path& directory, bool resume);

} // namespace fairy2::runs
