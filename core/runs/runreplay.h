// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/rundirectory.h"

#include <map>

namespace fairy2::runs {

/// What the records of a run's log say, taken in one after the other: the one place where records become
/// state. Both RunDirectory and the registry fold logs with it.
struct RunReplay {
    RunState state = RunState::Queued;
    std::string reason;
    std::int64_t stateSequence =
        -1; ///< of the state; supervisors count theirs up, so a clock that jumps does no harm
    double updated = 0;
    std::int64_t step = 0;
    std::int64_t damaged = 0;                            ///< records that could not be read
    std::map<std::int64_t, CheckpointEntry> checkpoints; ///< by step, paths as logged

    /// The next record: those of one file in order, files in the order of logFiles().
    void take(const LogRecord& record);
};

/// The whole log of a run.
[[nodiscard]] base::Result<RunReplay> replayLog(const base::Path& logDirectory);

/// training.max_steps of a run's configuration, 0 when it is not there.
[[nodiscard]] std::int64_t maxStepsOf(const base::Json& config);
/// Drops checkpoints whose manifest is gone; makes their paths absolute.
void keepExisting(RunReplay& replay, const base::Path& run);
/// Puts what the log says into a summary whose directory and created are known. A run that claims to live
/// while its supervisor does not is Lost.
void fillFrom(const RunReplay& replay, RunSummary& summary);

/// annotations.json; members of another type than expected count as absent.
[[nodiscard]] base::Json annotationsToJson(const Annotations& annotations);
[[nodiscard]] Annotations annotationsFromJson(const base::Json& json);

/// {"type": "state", "state", "sequence", "reason", …more}
[[nodiscard]] base::Json stateDocument(RunState state, std::int64_t sequence, const std::string& reason = {},
                                       const base::Json& more = base::Json::object());

} // namespace fairy2::runs
