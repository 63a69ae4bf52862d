// SPDX-License-Identifier: Apache-2.0
#include "runs/registryingest.h"

#include "base/clock.h"
#include "base/log.h"

#include <sys/stat.h>

namespace fairy2::runs {
namespace {

constexpr double kSweepSeconds = 2;
constexpr double kStampSeconds = 1; // how often "ingested at" is written when nothing else changed
// A time stamp this young may belong to a change that is still going on.
constexpr std::int64_t kYoung = 2'000'000'000;

// Modification time in ns, 0 when there is no such folder or it changed just now.
std::int64_t settledTime(const base::Path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return 0;
    const auto time = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
    const auto now = static_cast<std::int64_t>(base::wallTime() * 1e9);
    return now - time > kYoung ? time : 0;
}

std::uint64_t sizeOf(const base::Path& file) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    return error ? 0 : size;
}

std::vector<base::Path> runFolders(const base::Path& root) {
    std::vector<base::Path> folders;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
        auto path =
            std::filesystem::canonical(entry.path(), error); // a link to a run elsewhere counts as that run
        if (!error && std::filesystem::exists(path / "run.json", error)) folders.push_back(std::move(path));
        error.clear();
    }
    return folders;
}

std::string textOr(const base::Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

void RegistryIngest::forget() {
    m_known.clear();
    m_tags.clear();
    m_revision = -1;
    m_rootTime = 0;
    m_lastSweep = -1e9;
}

void RegistryIngest::catchUp(const Database& database, const base::Task& task) {
    readKnown(database);
    const auto rootTime = settledTime(m_home / "runs");
    const bool isDue =
        base::steadyTime() - m_lastSweep > kSweepSeconds || rootTime == 0 || rootTime != m_rootTime;
    const auto before = m_revision;
    if (isDue) {
        sweep(database, task);
        if (task.cancelled()) return;
        m_rootTime = rootTime;
        m_lastSweep = base::steadyTime();
    } else {
        const auto known = m_known; // ingesting changes it
        for (const auto& [directory, run] : known)
            if (!run.isFinal) ingestRun(database, directory, run.id, task);
    }
    ingestJournal(database);
    m_revision = database.integer("SELECT value FROM facts WHERE name='revision'");
    auto stamp =
        database.prepare("UPDATE facts SET value=?1 WHERE name='ingested_at' AND (?2 OR value<?1-?3)");
    stamp.bind(0, base::wallTime()).bind(1, std::int64_t{m_revision != before}).bind(2, kStampSeconds).run();
}

void RegistryIngest::readKnown(const Database& database) {
    const auto revision = database.integer("SELECT value FROM facts WHERE name='revision'");
    if (revision == m_revision) return;
    m_known.clear();
    m_tags.clear();
    auto rows = database.prepare("SELECT directory, id, state, folder_time FROM runs");
    while (rows.step()) {
        const auto state = parseRunState(rows.text(2));
        m_known[rows.text(0)] = {rows.integer(1), state && isFinal(*state), rows.integer(3)};
    }
    m_revision = revision;
}

void RegistryIngest::sweep(const Database& database, const base::Task& task) {
    const auto folders = runFolders(m_home / "runs");
    std::map<std::string, Known> gone = m_known;
    for (const auto& folder : folders)
        gone.erase(folder.string());
    for (const auto& [directory, run] : gone)
        removeRun(database, directory);
    std::int64_t done = 0;
    for (const auto& folder : folders) {
        if (task.cancelled()) return;
        task.progress(done++, static_cast<std::int64_t>(folders.size()), "reading runs");
        const auto known = m_known.find(folder.string());
        const bool isSettled = known != m_known.end() && known->second.isFinal &&
                               known->second.folderTime != 0 &&
                               known->second.folderTime == settledTime(folder);
        if (!isSettled) ingestRun(database, folder, known == m_known.end() ? 0 : known->second.id, task);
    }
}

void RegistryIngest::ingestRun(const Database& database, const base::Path& directory, std::int64_t id,
                               const base::Task& task) {
    const auto run = RunDirectory::open(directory);
    if (!run) {
        base::log(base::LogLevel::Warning, run.error().sentence());
        return;
    }
    RunRow row;
    bool isIntact = false;
    if (id != 0) {
        auto stored = database.prepare(std::string("SELECT ") + kRunColumns + " FROM runs WHERE id=?");
        stored.bind(0, id);
        if (stored.step()) row = readRun(stored);
        isIntact = row.isIntact() && row.uuid == run->uuid();
    }
    const auto before = row.storedHash;
    if (!isIntact) {
        // New, or not what was written: everything is read again.
        Transaction transaction(database);
        auto other = database.prepare("DELETE FROM runs WHERE directory=? OR uuid=?");
        other.bind(0, directory.string()).bind(1, run->uuid()).run();
        row = RunRow{};
        row.uuid = run->uuid();
        row.directory = directory.string();
        row.created = run->created();
        row.command = run->command();
        row.config = run->config().dump(-1, ' ', false, base::Json::error_handler_t::replace);
        row.maxSteps = maxStepsOf(run->config());
        writeRun(database, row);
        transaction.commit();
    }
    const auto folderTime = settledTime(directory);
    for (const auto& file : logFiles(run->logDirectory()))
        if (!ingestLog(database, row, file, task)) return;
    keepExisting(row.replay, directory);
    if (const auto annotations = run->annotations())
        row.annotations =
            annotationsToJson(*annotations).dump(-1, ' ', false, base::Json::error_handler_t::replace);
    row.folderTime = folderTime;
    if (row.hash() != before) {
        Transaction transaction(database);
        writeRun(database, row);
        transaction.commit();
    }
    m_known[row.directory] = {row.id, isFinal(row.replay.state), row.folderTime};
}

// False when it was cancelled. Cursor, metrics and state move on in one transaction, so that nothing counts
// twice.
bool RegistryIngest::ingestLog(const Database& database, RunRow& row, const base::Path& file,
                               const base::Task& task) {
    auto cursor = database.prepare("SELECT offset FROM logs WHERE run=? AND file=?");
    cursor.bind(0, row.id).bind(1, file.filename().string());
    auto offset = cursor.step() ? static_cast<std::uint64_t>(cursor.integer(0)) : 0;
    cursor.reset();
    while (sizeOf(file) > offset) {
        if (task.cancelled()) return false;
        const auto chunk = readLog(file, offset);
        if (!chunk || chunk->offset == offset) return true;
        Transaction transaction(database);
        for (const auto& record : chunk->records)
            row.replay.take(record);
        row.replay.damaged += chunk->damaged;
        writeMetrics(database, row.id, chunk->records);
        auto move = database.prepare(
            "INSERT INTO logs VALUES(?,?,?) ON CONFLICT DO UPDATE SET offset=excluded.offset");
        move.bind(0, row.id)
            .bind(1, file.filename().string())
            .bind(2, static_cast<std::int64_t>(chunk->offset))
            .run();
        row.folderTime = 0;
        writeRun(database, row);
        transaction.commit();
        offset = chunk->offset;
        if (chunk->atEnd) return true;
    }
    return true;
}

void RegistryIngest::writeMetrics(const Database& database, std::int64_t run,
                                  const std::vector<LogRecord>& records) {
    auto insert = database.prepare(
        "INSERT INTO metrics VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET value=excluded.value");
    for (const auto& record : records)
        for (const auto& [tag, value] : record.scalars)
            insert.bind(0, run).bind(1, tagId(database, tag)).bind(2, record.step).bind(3, value).run();
}

std::int64_t RegistryIngest::tagId(const Database& database, const std::string& tag) {
    if (const auto known = m_tags.find(tag); known != m_tags.end()) return known->second;
    auto insert = database.prepare("INSERT INTO tags(name) VALUES(?) ON CONFLICT DO NOTHING");
    insert.bind(0, tag).run();
    auto select = database.prepare("SELECT id FROM tags WHERE name=?");
    select.bind(0, tag).step();
    return m_tags[tag] = select.integer(0);
}

void RegistryIngest::ingestJournal(const Database& database) {
    for (const auto& file : logFiles(m_home / "journal")) {
        const auto name = file.filename().string();
        auto cursor = database.prepare("SELECT offset FROM journals WHERE file=?");
        cursor.bind(0, name);
        const auto offset = cursor.step() ? static_cast<std::uint64_t>(cursor.integer(0)) : 0;
        cursor.reset();
        if (sizeOf(file) <= offset) continue;
        const auto chunk = readLog(file, offset);
        if (!chunk || chunk->offset == offset) continue;
        Transaction transaction(database);
        auto insert = database.prepare(
            "INSERT INTO results(wall_time, content_hash, label, kind, content) VALUES(?,?,?,?,?)");
        for (const auto& record : chunk->records) {
            const auto& document = record.document;
            if (!document.is_object() || textOr(document, "type") != "result") continue;
            insert.bind(0, record.wallTime)
                .bind(1, textOr(document, "content_hash"))
                .bind(2, textOr(document, "label"))
                .bind(3, textOr(document, "kind"))
                .bind(4, document.value("values", base::Json()).dump())
                .run();
        }
        auto move = database.prepare(
            "INSERT INTO journals VALUES(?,?) ON CONFLICT DO UPDATE SET offset=excluded.offset");
        move.bind(0, name).bind(1, static_cast<std::int64_t>(chunk->offset)).run();
        database.execute("UPDATE facts SET value=value+1 WHERE name='revision'");
        transaction.commit();
    }
}

void RegistryIngest::removeRun(const Database& database, const std::string& directory) {
    Transaction transaction(database);
    auto remove = database.prepare("DELETE FROM runs WHERE directory=?");
    remove.bind(0, directory).run();
    database.execute("UPDATE facts SET value=value+1 WHERE name IN ('revision', 'removals')");
    transaction.commit();
    m_known.erase(directory);
}

} // namespace fairy2::runs
