// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/manifest.h"
#include "runs/runlog.h"

#include <optional>

namespace fairy2::runs {

struct RunReplay;

/// A run's life; each state is in the log before it is acted on.
enum class RunState { Queued, Starting, Running, Stopping, Finished, Failed, Lost, Cancelled };
[[nodiscard]] const char* name(RunState state) noexcept;
[[nodiscard]] base::Result<RunState> parseRunState(const std::string& text);
[[nodiscard]] bool isFinal(RunState state) noexcept; ///< finished, failed, lost, cancelled

struct CheckpointEntry {
    std::int64_t step = 0;
    base::Path path;
    std::string sha256; ///< of manifest.json
};

/// Edits by the user; they live in annotations.json and outlive any registry.
struct Annotations {
    std::string name;
    std::vector<std::string> tags;
    std::string notes;
    int color = -1; ///< index into the run palette, −1 = not chosen yet
    bool archived = false;
};

/// What the log says about a run right now.
struct RunSummary {
    std::string uuid;
    base::Path directory;
    RunState state = RunState::Queued;
    std::string reason; ///< of failed: sentence with signal, exit code, first error line
    double created = 0; ///< wall time
    double updated = 0;
    std::int64_t step = 0;
    std::int64_t maxSteps = 0;
    Annotations annotations;
    base::Json config;   ///< resolved tree
    std::string command; ///< that would start it again
    std::vector<CheckpointEntry>
        checkpoints;                 ///< by step; those that were logged and still have their manifest
    std::int64_t damagedRecords = 0; ///< of the run log, skipped
};

/// A run directory, the truth about a run:
///   run.json            uuid, created, command, resolved config with sources, SHA-256 of that (immutable)
///   annotations.json    Annotations
///   log/events.out.*    run log, one file per writing process
///   checkpoints/step-N/ committed checkpoints (manifest.json with SHA-256 of each file)
///   supervisor.json     pid, start time, boot id of the supervisor while it lives
///   console.log         what the trainer printed
class RunDirectory {
public:
    /// The folder appears whole or not at all; one that exists and is not empty is refused.
    [[nodiscard]] static base::Result<RunDirectory>
    create(const base::Path& directory, const base::Json& config, const base::Json& sources,
           const std::string& command, const std::string& name);
    [[nodiscard]] static base::Result<RunDirectory> open(const base::Path& directory);

    [[nodiscard]] const base::Path& path() const noexcept { return m_path; }
    [[nodiscard]] const std::string& uuid() const noexcept { return m_uuid; }
    [[nodiscard]] const base::Json& config() const noexcept { return m_config; }
    [[nodiscard]] const base::Json& sources() const noexcept { return m_sources; }
    [[nodiscard]] const std::string& command() const noexcept { return m_command; }
    [[nodiscard]] double created() const noexcept { return m_created; } ///< wall time
    [[nodiscard]] base::Path logDirectory() const { return m_path / "log"; }
    [[nodiscard]] base::Path checkpointDirectory() const { return m_path / "checkpoints"; }

    [[nodiscard]] base::Result<Annotations> annotations() const;
    [[nodiscard]] base::Result<void> setAnnotations(const Annotations& annotations) const;
    /// Replays the log. A run that claims to be running while its supervisor is gone is Lost.
    [[nodiscard]] base::Result<RunSummary> summary() const;
    /// The same from a log that has been replayed already.
    [[nodiscard]] base::Result<RunSummary> summaryOf(const RunReplay& replay) const;
    /// All scalars of one tag in step order; where a resumed run repeats steps, the later record wins.
    [[nodiscard]] base::Result<std::vector<std::pair<std::int64_t, double>>>
    metric(const std::string& tag) const;
    /// Highest step whose manifest verifies, if any; lower ones are tried when it does not.
    [[nodiscard]] std::optional<CheckpointEntry> latestCheckpoint() const;

private:
    base::Path m_path;
    std::string m_uuid;
    double m_created = 0;
    std::string m_command;
    base::Json m_config;
    base::Json m_sources;
};

} // namespace fairy2::runs
