// SPDX-License-Identifier: Apache-2.0
#include "runs/registryschema.h"

#include <array>
#include <fmt/format.h>

namespace fairy2::runs {
namespace {

// Step i takes version i to i + 1. Released steps are never edited; a change is a new step.
constexpr std::array kSteps = {
    R"(
CREATE TABLE runs(
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    directory TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,
    command TEXT NOT NULL,
    config TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    max_steps INTEGER NOT NULL,
    state TEXT NOT NULL,
    state_sequence INTEGER NOT NULL,
    reason TEXT NOT NULL,
    updated REAL NOT NULL,
    step INTEGER NOT NULL,
    damaged INTEGER NOT NULL,
    checkpoints TEXT NOT NULL,
    annotations TEXT NOT NULL,
    folder_time INTEGER NOT NULL,
    revision INTEGER NOT NULL);
CREATE INDEX runs_by_revision ON runs(revision);
CREATE TABLE logs(
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY(run, file)) WITHOUT ROWID;
CREATE TABLE tags(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE metrics(
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    tag INTEGER NOT NULL REFERENCES tags(id),
    step INTEGER NOT NULL,
    value REAL,
    PRIMARY KEY(run, tag, step)) WITHOUT ROWID;
CREATE TABLE results(
    id INTEGER PRIMARY KEY,
    wall_time REAL NOT NULL,
    content_hash TEXT NOT NULL,
    label TEXT NOT NULL,
    kind TEXT NOT NULL,
    content TEXT NOT NULL);
CREATE INDEX results_by_hash ON results(content_hash);
CREATE TABLE journals(file TEXT PRIMARY KEY, offset INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE facts(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO facts VALUES('ingested_at', 0), ('revision', 0), ('removals', 0);
)"};

} // namespace

int registryVersion() noexcept {
    return static_cast<int>(kSteps.size());
}

RegistryKind kindOf(const Database& database) {
    const auto version = database.integer("PRAGMA user_version");
    const auto application = database.integer("PRAGMA application_id");
    const bool hasTables = database.integer("SELECT count(*) FROM sqlite_schema") > 0;
    if (!hasTables && version == 0 && application == 0) return RegistryKind::Empty;
    if (application != kRegistryApplication) return RegistryKind::Foreign;
    if (version > registryVersion()) return RegistryKind::Newer;
    return version < registryVersion() ? RegistryKind::Older : RegistryKind::Current;
}

void migrate(const Database& database, const base::Path& file) {
    const auto before = database.integer("PRAGMA user_version");
    if (before > 0) {
        auto backup = database.prepare("VACUUM INTO ?");
        base::Path copy = file;
        copy += fmt::format(".v{}", before);
        std::error_code ignored;
        std::filesystem::remove(copy, ignored);
        backup.bind(0, copy.string()).run();
    }
    for (auto version = before; version < registryVersion(); ++version) {
        Transaction transaction(database);
        // Another process may have done the step while this one waited for its turn.
        if (database.integer("PRAGMA user_version") != version) continue;
        database.execute(kSteps[static_cast<std::size_t>(version)]);
        database.execute(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kRegistryApplication,
                                     version + 1));
        transaction.commit();
    }
}

} // namespace fairy2::runs
