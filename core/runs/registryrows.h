// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/rundirectory.h"
#include "runs/runreplay.h"
#include "runs/sqlite.h"

#include <optional>

namespace fairy2::runs {

/// A row of the table runs. Everything in it can be read again from the run's directory.
struct RunRow {
    std::int64_t id = 0;
    std::string uuid;
    std::string directory;
    double created = 0;
    std::string command;
    std::string config; ///< JSON text
    std::int64_t maxSteps = 0;
    RunReplay replay;            ///< as far as the log has been read; only checkpoints that are still there
    std::string annotations;     ///< JSON text
    std::int64_t folderTime = 0; ///< modification time (ns) of the folder when it was read; 0 = look again
    std::string storedHash;      ///< of a row that was read

    /// Over all that is shown, so that a flipped bit in the file is never shown as the truth.
    [[nodiscard]] std::string hash() const;
    [[nodiscard]] bool isIntact() const { return storedHash == hash(); }
    /// As RunDirectory::summary() would tell it.
    [[nodiscard]] RunSummary summary() const;
};

/// Reads the row that `statement` (made of kRunColumns) stands on.
inline constexpr const char* kRunColumns = "id, uuid, directory, created, command, config, max_steps, state, "
                                           "state_sequence, reason, updated, step, damaged, "
                                           "checkpoints, annotations, folder_time, sha256";
[[nodiscard]] RunRow readRun(const Statement& statement);
/// Inserts (id 0) or updates; the revision of the whole index counts up.
void writeRun(const Database& database, RunRow& row);

} // namespace fairy2::runs
