// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/compose.h"
#include "runs/rundirectory.h"

namespace fairy2::runs {

/// Creates the run directory and starts its supervisor (`fairy2 supervise DIR`, a session of its own), which
/// starts the trainer and outlives the caller. Validates the configuration, model and tokens first: what is
/// refused leaves nothing behind.
[[nodiscard]] base::Result<RunDirectory> launch(const config::Composition& composition,
                                                const std::string& command, const std::string& name = {});
/// Starts a stopped, failed or lost run again from its latest verified checkpoint.
[[nodiscard]] base::Result<void> resume(const RunDirectory& run);
/// Asks a live run to save and stop (SIGTERM to its supervisor). Asked twice, it stops without saving.
[[nodiscard]] base::Result<void> stop(const RunDirectory& run);

/// Whether the supervisor written in supervisor.json is alive (pid, start time and boot id all agree).
[[nodiscard]] bool supervisorAlive(const base::Path& directory);

/// What launch() checks before it creates anything; the editor asks it for the reason why Start is disabled.
[[nodiscard]] base::Result<void> checkLaunch(const config::Composition& composition);

} // namespace fairy2::runs
