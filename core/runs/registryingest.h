// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "runs/registryrows.h"

#include <map>

namespace fairy2::runs {

/// Brings the index up to the run directories and the journal. Used under the ingest lock only. Remembers
/// between calls what need not be looked at again.
class RegistryIngest {
public:
    explicit RegistryIngest(base::Path home) : m_home(std::move(home)) {}

    /// Runs that live are read in every call, all others at most every two seconds (or at once when a run was
    /// added). Throws SqlError; a run that cannot be read is passed over.
    void catchUp(const Database& database, const base::Task& task);
    /// Forgets what is remembered: the index was replaced.
    void forget();

private:
    struct Known {
        std::int64_t id = 0;
        bool isFinal = false;
        std::int64_t folderTime = 0;
    };
    void readKnown(const Database& database);
    void sweep(const Database& database, const base::Task& task);
    void ingestRun(const Database& database, const base::Path& directory, std::int64_t id,
                   const base::Task& task);
    bool ingestLog(const Database& database, RunRow& row, const base::Path& file, const base::Task& task);
    void writeMetrics(const Database& database, std::int64_t run, const std::vector<LogRecord>& records);
    void ingestJournal(const Database& database);
    void removeRun(const Database& database, const std::string& directory);
    std::int64_t tagId(const Database& database, const std::string& tag);

    base::Path m_home;
    std::map<std::string, Known> m_known; ///< by directory
    std::int64_t m_revision = -1;         ///< of the index that m_known tells of
    std::map<std::string, std::int64_t> m_tags;
    std::int64_t m_rootTime = 0;
    double m_lastSweep = -1e9;
};

} // namespace fairy2::runs
