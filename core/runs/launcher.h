// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/compose.h"
#include "runs/rundirectory.h"

namespace fairy2::runs {

/// Creates the run directory and starts its supervisor (`fairy2 supervise DIR`, a session of its own), which
/// starts the trainer and outlives the caller. Validates the configuration and the model first.
[[nodiscard]] base::Result<RunDirectory> launch(const config::Composition& composition,
                                                const std::string& command, const std::string& name = {});
/// Starts a stopped, failed or lost run again from its latest verified checkpoint.
[[nodiscard]] base::Result<void> resume(const RunDirectory& run);
/// Asks a live run to save and stop (SIGTERM to its supervisor).
[[nodiscard]] base::Result<void> stop(const RunDirectory& run);

/// The body of `fairy2 supervise`: starts the trainer, records state changes, forwards SIGTERM (25 s, then
/// SIGKILL), explains the end. Returns the exit code of the process.
[[nodiscard]] int supervise(const base::Path& directory, bool resume);

/// Whether the supervisor written in supervisor.json is alive (pid, start time and boot id all agree).
[[nodiscard]] bool supervisorAlive(const base::Path& directory);

} // namespace fairy2::runs
