// SPDX-License-Identifier: Apache-2.0
#include "runs/registry.h"

#include "base/clock.h"
#include "base/paths.h"
#include "runs/registryingest.h"
#include "runs/registryschema.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <thread>
#include <utility>

namespace fairy2::runs {
namespace {

constexpr double kLockSeconds = 5; // creating, migrating and rebuilding wait this long for their turn
constexpr std::size_t kLeastPrefix = 4;

base::Error errorFrom(const SqlError& error, const base::Path& file) {
    base::Error result{base::ErrorCode::Io, "the registry answered: " + error.message, file.string(), {}, {}};
    if (error.isDamage())
        result.hint = "fairy2 runs rebuild makes a new one from the run directories; nothing is lost";
    if (error.isBusy()) result.hint = "another process is writing; try again";
    return result;
}

std::pair<std::uint64_t, std::uint64_t> fileIdentity(const base::Path& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return {0, 0};
    return {info.st_dev, info.st_ino};
}

base::Result<base::FileLock> lockWithin(const base::Path& path, double seconds) {
    const double until = base::steadyTime() + seconds;
    for (;;) {
        auto lock = base::FileLock::tryLock(path);
        if (lock || base::steadyTime() >= until) return lock;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

} // namespace

struct Registry::Index {
    base::Path home = base::homeDirectory();
    base::Path file = home / "registry.sqlite";
    std::optional<Database> database;
    std::pair<std::uint64_t, std::uint64_t> identity;
    bool isReadOnly = false;
    mutable bool isDamaged = false;
    std::string notice;
    RegistryIngest ingest{home};
    std::optional<RunLogWriter> journal;

    [[nodiscard]] base::Path lockFile() const { return home / "registry.lock"; }

    // Calls the function and turns what SQLite throws into an error.
    template <typename Function>
    auto guarded(const Function& function) const -> base::Result<decltype(function())> {
        try {
            return function();
        } catch (const SqlError& error) {
            isDamaged = isDamaged || error.isDamage();
            return tl::unexpected(errorFrom(error, file));
        }
    }

    base::Result<void> connect() {
        auto kind = guarded([this] {
            database.emplace(file, Database::Mode::ReadWrite);
            return kindOf(*database);
        });
        if (!kind && !isDamaged) return connectReadOnly(kind.error());
        if (kind && *kind == RegistryKind::Newer) {
            notice =
                "the registry was written by a newer version of fairy2: it is only read, nothing is added";
            return connectReadOnly({base::ErrorCode::Io, notice, file.string(), {}, "update fairy2"});
        }
        if (!kind || *kind != RegistryKind::Current) {
            FAIRY2_ASSIGN(const auto lock, lockWithin(lockFile(), kLockSeconds));
            if (!kind || *kind == RegistryKind::Foreign) FAIRY2_TRY(putAside());
            auto migrated = guarded([this] {
                if (!database) database.emplace(file, Database::Mode::ReadWrite);
                migrate(*database, file);
                return true;
            });
            if (!migrated) return tl::unexpected(migrated.error());
        }
        isDamaged = false;
        identity = fileIdentity(file);
        ingest.forget();
        return {};
    }

    base::Result<void> connectReadOnly(const base::Error& why) {
        isReadOnly = true;
        const auto opened = guarded([this] {
            database.emplace(file, Database::Mode::ReadOnly);
            return kindOf(*database);
        });
        if (!opened) return tl::unexpected(why);
        if (notice.empty()) notice = "the registry cannot be written: " + why.message;
        return {};
    }

    // Under the lock. The damaged file stays, with its journal files, for whoever wants to look into it.
    base::Result<void> putAside() {
        database.reset();
        const auto time = static_cast<std::int64_t>(base::wallTime());
        const auto kept = fmt::format("{}.corrupt-{}", file.string(), time);
        for (const char* suffix : {"", "-wal", "-shm"}) {
            std::error_code error;
            std::filesystem::rename(file.string() + suffix, kept + suffix, error);
            if (error && *suffix == '\0')
                return tl::unexpected(base::systemError("move aside", file, error.value()));
        }
        notice = fmt::format(
            "the registry was damaged; it is kept as {} and a new one is made from the run directories",
            base::Path(kept).filename().string());
        return {};
    }

    // Another process may have replaced the file.
    base::Result<void> reconnectIfReplaced() {
        if (!isDamaged && fileIdentity(file) == identity) return {};
        database.reset();
        if (isDamaged) {
            FAIRY2_TRY(putAside());
            isDamaged = false;
        }
        auto made = guarded([this] {
            database.emplace(file, Database::Mode::ReadWrite);
            migrate(*database, file);
            return true;
        });
        if (!made) return tl::unexpected(made.error());
        identity = fileIdentity(file);
        ingest.forget();
        return {};
    }

    base::Result<std::int64_t> idOf(const std::string& uuid) const {
        const auto id = guarded([&] {
            auto select = database->prepare("SELECT id FROM runs WHERE uuid=?");
            select.bind(0, uuid);
            return select.step() ? select.integer(0) : 0;
        });
        if (!id) return id;
        if (*id == 0) return base::fail(base::ErrorCode::NotFound, fmt::format("there is no run '{}'", uuid));
        return *id;
    }

    std::vector<RunSummary> summaries(Statement& rows) const {
        std::vector<RunSummary> result;
        while (rows.step()) {
            const auto row = readRun(rows);
            if (row.isIntact()) {
                result.push_back(row.summary());
                continue;
            }
            // The index says what was never written to it: the directory is asked instead.
            isDamaged = true;
            if (const auto run = RunDirectory::open(row.directory))
                if (auto summary = run->summary()) result.push_back(*std::move(summary));
        }
        return result;
    }
};

Registry::Registry(std::unique_ptr<Index> index) : m_index(std::move(index)) {}
Registry::~Registry() = default;

base::Result<std::unique_ptr<Registry>> Registry::open() {
    auto index = std::make_unique<Index>();
    FAIRY2_TRY(base::makeDirectories(index->home / "runs"));
    FAIRY2_TRY(index->connect());
    return std::unique_ptr<Registry>(new Registry(std::move(index)));
}

const std::string& Registry::notice() const noexcept {
    return m_index->notice;
}

base::Result<double> Registry::ingestedAt() const {
    return m_index->guarded([this] {
        auto select = m_index->database->prepare("SELECT value FROM facts WHERE name='ingested_at'");
        return select.step() ? select.real(0) : 0.0;
    });
}

base::Result<bool> Registry::catchUp(const base::Task& task) {
    if (m_index->isReadOnly) return false;
    const auto lock = base::FileLock::tryLock(m_index->lockFile());
    if (!lock) return false;
    for (int attempt = 0;; ++attempt) {
        FAIRY2_TRY(m_index->reconnectIfReplaced());
        auto done = m_index->guarded([&] {
            m_index->ingest.catchUp(*m_index->database, task);
            return true;
        });
        if (done && task.cancelled()) return base::cancelled();
        // A file that turns out to be damaged is replaced once and filled again.
        if (done || !m_index->isDamaged || attempt > 0) return done;
    }
}

base::Result<std::vector<RunSummary>> Registry::runs(bool withArchived) const {
    auto result = m_index->guarded([this] {
        auto rows = m_index->database->prepare(std::string("SELECT ") + kRunColumns +
                                               " FROM runs ORDER BY created DESC, id DESC");
        return m_index->summaries(rows);
    });
    if (result && !withArchived)
        std::erase_if(*result, [](const RunSummary& run) { return run.annotations.archived; });
    return result;
}

base::Result<RunSummary> Registry::find(const std::string& run) const {
    std::error_code error;
    if (std::filesystem::exists(base::Path(run) / "run.json", error)) {
        FAIRY2_ASSIGN(const auto directory, RunDirectory::open(std::filesystem::canonical(run, error)));
        return directory.summary();
    }
    const bool isPrefix = run.size() >= kLeastPrefix && run.find_first_of("%_") == std::string::npos;
    auto found = m_index->guarded([&] {
        auto rows = m_index->database->prepare(std::string("SELECT ") + kRunColumns +
                                               " FROM runs WHERE uuid=?1 OR (?2 AND uuid LIKE ?1 || '%') OR "
                                               "json_extract(annotations, '$.name')=?1 "
                                               "ORDER BY uuid=?1 DESC, created DESC");
        rows.bind(0, run).bind(1, std::int64_t{isPrefix});
        return m_index->summaries(rows);
    });
    if (!found) return tl::unexpected(found.error());
    if (found->empty())
        return base::fail(base::ErrorCode::NotFound, fmt::format("there is no run '{}'", run), {}, {},
                          "fairy2 runs list --all shows all of them");
    if (found->size() > 1 && found->front().uuid != run) {
        std::vector<std::string> ids;
        for (const auto& summary : *found)
            ids.push_back(summary.uuid.substr(0, 8));
        return base::fail(base::ErrorCode::Usage, fmt::format("'{}' fits {} runs", run, found->size()), {},
                          {}, fmt::format("give the id of one: {}", fmt::join(ids, ", ")));
    }
    return std::move(found->front());
}

base::Result<std::vector<std::pair<std::int64_t, double>>> Registry::metric(const std::string& uuid,
                                                                            const std::string& tag) const {
    FAIRY2_ASSIGN(const auto id, m_index->idOf(uuid));
    return m_index->guarded([&] {
        auto rows = m_index->database->prepare(
            "SELECT step, value FROM metrics WHERE run=? AND tag=(SELECT id FROM tags "
            "WHERE name=?) ORDER BY step");
        rows.bind(0, id).bind(1, tag);
        std::vector<std::pair<std::int64_t, double>> values;
        while (rows.step())
            values.emplace_back(rows.integer(0), rows.real(1));
        return values;
    });
}

base::Result<std::optional<double>> Registry::lastValue(const std::string& uuid,
                                                        const std::string& tag) const {
    FAIRY2_ASSIGN(const auto id, m_index->idOf(uuid));
    return m_index->guarded([&] {
        auto row = m_index->database->prepare(
            "SELECT value FROM metrics WHERE run=? AND tag=(SELECT id FROM tags WHERE "
            "name=?) ORDER BY step DESC LIMIT 1");
        row.bind(0, id).bind(1, tag);
        return row.step() ? std::optional<double>(row.real(0)) : std::nullopt;
    });
}

base::Result<std::vector<std::string>> Registry::metricTags(const std::string& uuid) const {
    FAIRY2_ASSIGN(const auto id, m_index->idOf(uuid));
    return m_index->guarded([&] {
        // One look into the index per tag: a list of all tags is short, the metrics are not.
        auto rows = m_index->database->prepare(
            "SELECT name FROM tags WHERE EXISTS(SELECT 1 FROM metrics WHERE run=? AND "
            "tag=tags.id) ORDER BY name");
        rows.bind(0, id);
        std::vector<std::string> tags;
        while (rows.step())
            tags.push_back(rows.text(0));
        return tags;
    });
}

base::Result<void> Registry::addResult(const ResultRow& row) {
    if (!m_index->journal) {
        FAIRY2_ASSIGN(auto journal, RunLogWriter::create(m_index->home / "journal", "results"));
        m_index->journal = std::move(journal);
    }
    FAIRY2_TRY(m_index->journal->document(0,
                                          {{"type", "result"},
                                           {"content_hash", row.contentHash},
                                           {"label", row.label},
                                           {"kind", row.kind},
                                           {"values", row.values}},
                                          true));
    // Whoever holds the ingest lock will index it; the journal has it already.
    return catchUp().map([](bool) {});
}

base::Result<std::vector<ResultRow>> Registry::results(const std::string& contentHash) const {
    return m_index->guarded([&] {
        auto rows = m_index->database->prepare(
            "SELECT wall_time, content_hash, label, kind, content FROM results WHERE "
            "?1='' OR content_hash=?1 ORDER BY wall_time, id");
        rows.bind(0, contentHash);
        std::vector<ResultRow> results;
        while (rows.step()) {
            auto values = base::parseJson(rows.text(4), "registry");
            results.push_back(
                {rows.real(0), rows.text(1), rows.text(2), rows.text(3), values ? *values : base::Json()});
        }
        return results;
    });
}

base::Result<std::int64_t> Registry::rebuild(const base::Task& task) {
    if (m_index->isReadOnly)
        return base::fail(base::ErrorCode::Failed, m_index->notice, m_index->file.string());
    {
        auto lock = lockWithin(m_index->lockFile(), kLockSeconds);
        if (!lock)
            return base::fail(base::ErrorCode::Failed, "another process is reading runs into the registry",
                              m_index->file.string(), {}, "try again in a moment");
        m_index->database.reset();
        for (const char* suffix : {"", "-wal", "-shm"}) {
            std::error_code ignored;
            std::filesystem::remove(m_index->file.string() + suffix, ignored);
        }
        FAIRY2_TRY(m_index->reconnectIfReplaced());
    }
    FAIRY2_TRY(catchUp(task));
    return m_index->guarded([this] { return m_index->database->integer("SELECT count(*) FROM runs"); });
}

base::Result<void> registerRun(const RunDirectory& run) {
    const auto root = base::homeDirectory() / "runs";
    FAIRY2_TRY(base::makeDirectories(root));
    std::error_code error;
    const auto target = std::filesystem::canonical(run.path(), error);
    if (error) return tl::unexpected(base::systemError("find", run.path(), error.value()));
    if (target.parent_path() == std::filesystem::canonical(root, error)) return {};
    const auto link = root / run.uuid();
    std::filesystem::remove(link, error);
    std::filesystem::create_directory_symlink(target, link, error);
    if (error) return tl::unexpected(base::systemError("register the run as", link, error.value()));
    return base::syncDirectory(root);
}

} // namespace fairy2::runs
