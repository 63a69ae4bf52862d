// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/runtail.h"
#include "verb.h"

namespace fairy2::cli {

/// Shows a run as it goes on until it has ended: one line that renews itself on a terminal, else one now and
/// then. Ctrl-C asks the run to save and stop when `stopsOnCancel`, else it only ends the watching.
[[nodiscard]] base::Result<runs::RunSummary> follow(const runs::RunDirectory& run, const base::Task& task,
                                                    bool stopsOnCancel);

/// {run, dir, state, reason, step, final_loss, checkpoint}
[[nodiscard]] base::Json runDocument(const runs::RunSummary& summary, const std::optional<double>& loss);

/// Follows the run to its end and tells how it came out: exit code 0 finished, 1 failed or lost, 130 stopped.
[[nodiscard]] base::Result<Outcome> followToEnd(const runs::RunDirectory& run, const base::Task& task);

/// "12 s", "3 min 05 s", "2 h 10 min".
[[nodiscard]] std::string durationText(double seconds);

} // namespace fairy2::cli
