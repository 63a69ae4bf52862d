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

/// {"type": "state", "state", "sequence", "reason", …more}
[[nodiscard]] base::Json stateDocument(RunState state, std::int64_t sequence, const std::string& reason = {},
                                       const base::Json& more = base::Json::object());

} // namespace fairy2::runs
