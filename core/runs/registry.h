// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "runs/rundirectory.h"

#include <memory>

namespace fairy2::runs {

/// One evaluation or export: a row tied to the content hash of a checkpoint.
struct ResultRow {
    double wallTime = 0;
    std::string contentHash;
    std::string label; ///< displayName of the checkpoint
    std::string kind;  ///< "ppl", "kld", "export", …
    base::Json values;
};

/// SQLite (WAL) index of the run directories below the home directory: always rebuildable from them.
/// Writing happens only under the ingest lock, which is tried, never waited for. One object per thread.
class Registry {
public:
    /// Opens (creating or migrating) FAIRY2_HOME/registry.sqlite. A file of a newer version is opened
    /// read-only. One that is damaged or not ours is kept aside as registry.sqlite.corrupt-<time>; the next
    /// catchUp() fills a new one from the run directories.
    [[nodiscard]] static base::Result<std::unique_ptr<Registry>> open();
    ~Registry();

    /// What the user should know about this file, or empty: it is of a newer version, it was damaged and is
    /// rebuilt.
    [[nodiscard]] const std::string& notice() const noexcept;
    /// When the index was last brought up to date by anyone (wall time), 0 = never.
    [[nodiscard]] base::Result<double> ingestedAt() const;

    /// Reads what is new in the run directories and the journal. False = another process holds the ingest
    /// lock, or the file is read-only. The first call may take long (a whole rebuild); it can be cancelled,
    /// and goes on where it stopped.
    [[nodiscard]] base::Result<bool> catchUp(const base::Task& task = {});

    /// Newest first. The state of live runs is checked against their supervisors.
    [[nodiscard]] base::Result<std::vector<RunSummary>> runs(bool withArchived = false) const;
    /// By uuid, unique prefix of it (4 digits or more), name, or folder.
    [[nodiscard]] base::Result<RunSummary> find(const std::string& run) const;
    [[nodiscard]] base::Result<std::vector<std::pair<std::int64_t, double>>>
    metric(const std::string& uuid, const std::string& tag) const;
    /// The value at the highest step, nothing when the run has none of this tag.
    [[nodiscard]] base::Result<std::optional<double>> lastValue(const std::string& uuid,
                                                                const std::string& tag) const;
    [[nodiscard]] base::Result<std::vector<std::string>> metricTags(const std::string& uuid) const;

    /// Writes to the journal beside the registry first, then to the index.
    [[nodiscard]] base::Result<void> addResult(const ResultRow& row);
    [[nodiscard]] base::Result<std::vector<ResultRow>> results(const std::string& contentHash = {}) const;

    /// Drops the index and reads everything again; returns the number of runs.
    [[nodiscard]] base::Result<std::int64_t> rebuild(const base::Task& task = {});

private:
    struct Index;
    explicit Registry(std::unique_ptr<Index> index);
    std::unique_ptr<Index> m_index;
};

/// Makes a run that lies outside the home directory's runs/ known to the registry (a link there). Launching
/// does it.
[[nodiscard]] base::Result<void> registerRun(const RunDirectory& run);

} // namespace fairy2::runs
