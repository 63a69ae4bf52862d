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
    /// read-only.
    [[nodiscard]] static base::Result<std::unique_ptr<Registry>> open();
    ~Registry();

    /// Reads what is new in the run directories and the journal. False = another process holds the ingest
    /// lock.
    [[nodiscard]] base::Result<bool> catchUp();

    [[nodiscard]] base::Result<std::vector<RunSummary>> runs(bool withArchived = false) const;
    /// By uuid, unique prefix of it, or name.
    [[nodiscard]] base::Result<RunSummary> find(const std::string& run) const;
    [[nodiscard]] base::Result<std::vector<std::pair<std::int64_t, double>>>
    metric(const std::string& uuid, const std::string& tag) const;
    [[nodiscard]] base::Result<std::vector<std::string>> metricTags(const std::string& uuid) const;

    /// Writes to the journal beside the registry first, then to the index.
    [[nodiscard]] base::Result<void> addResult(const ResultRow& row);
    [[nodiscard]] base::Result<std::vector<ResultRow>> results(const std::string& contentHash = {}) const;

    /// Drops the index and reads everything again; returns the number of runs.
    [[nodiscard]] base::Result<std::int64_t> rebuild();

private:
    struct Database;
    explicit Registry(std::unique_ptr<Database> database);
    std::unique_ptr<Database> m_database;
};

} // namespace fairy2::runs
