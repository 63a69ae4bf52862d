// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"
#include "runs/registry.h"
#include "runs/runreplay.h"
#include "runs/sqlite.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <cmath>
#include <fstream>
#include <random>

using namespace fairy2;
using runs::Registry;
using runs::RunDirectory;
using runs::RunState;

class TestRegistry : public QObject {
    Q_OBJECT
private slots:
    void init();
    void cleanup() { m_home.reset(); }

    void readsWhatIsThere();
    void growsWithTheLog();
    void resumedStepsCountOnce();
    void annotationsAreSeen();
    void listIsNewestFirstAndHidesArchived();
    void findsByIdPrefixNameAndFolder();
    void deletedRunsVanish();
    void movedRunsKeepTheirId();
    void runsElsewhereAreLinked();
    void rebuildEqualsIngest();
    void resultsGoThroughTheJournal();
    void anotherHoldsTheLock();
    void odd_data();
    void odd();
    void newerFileIsOnlyRead();
    void everyFlippedBitOfARowIsFound();
    void lostRunsAreTold();
    void replacedFileIsNoticed();
    void nanSurvives();
    void cancelledIngestGoesOn();

private:
    [[nodiscard]] base::Path home() const { return m_home->path().toStdString(); }
    [[nodiscard]] base::Path file() const { return home() / "registry.sqlite"; }
    RunDirectory newRun(const std::string& name, int steps, RunState state = RunState::Finished) const;
    [[nodiscard]] static base::Json contentOf(const Registry& registry);

    std::unique_ptr<QTemporaryDir> m_home;
};

namespace {

std::unique_ptr<Registry> openRegistry() {
    auto registry = Registry::open();
    if (!registry) qFatal("%s", registry.error().sentence().c_str());
    return *std::move(registry);
}

void write(const base::Path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

std::string contentOfFile(const base::Path& path) {
    return base::readFile(path, 1 << 26).value();
}

} // namespace

void TestRegistry::init() {
    m_home = std::make_unique<QTemporaryDir>();
    qputenv("FAIRY2_HOME", m_home->path().toUtf8());
}

RunDirectory TestRegistry::newRun(const std::string& name, int steps, RunState state) const {
    auto run = RunDirectory::create(home() / "runs" / name, {{"training", {{"max_steps", 100}}}},
                                    base::Json::object(), "fairy2 train run.name=" + name, name)
                   .value();
    auto supervisor = runs::RunLogWriter::create(run.logDirectory(), "supervisor").value();
    auto trainer = runs::RunLogWriter::create(run.logDirectory(), "trainer").value();
    for (int step = 1; step <= steps; ++step)
        if (!trainer.scalars(step, {{"loss", 3.0 / step}, {"lr", 0.1 * step}})) qFatal("write");
    if (!supervisor.document(0, runs::stateDocument(state, 1, state == RunState::Failed ? "why" : "")))
        qFatal("write");
    return run;
}

// All that can be asked of a registry, as one document.
base::Json TestRegistry::contentOf(const Registry& registry) {
    base::Json content = base::Json::array();
    const auto runs = registry.runs(true).value();
    for (const auto& run : runs) {
        base::Json metrics = base::Json::object();
        const auto tags = registry.metricTags(run.uuid).value();
        for (const auto& tag : tags)
            metrics[tag] = registry.metric(run.uuid, tag).value();
        content.push_back({{"uuid", run.uuid},
                           {"directory", run.directory.string()},
                           {"state", runs::name(run.state)},
                           {"reason", run.reason},
                           {"step", run.step},
                           {"updated", run.updated},
                           {"config", run.config},
                           {"annotations", runs::annotationsToJson(run.annotations)},
                           {"checkpoints", run.checkpoints.size()},
                           {"metrics", metrics}});
    }
    const auto results = registry.results().value();
    for (const auto& result : results)
        content.push_back({result.contentHash, result.label, result.kind, result.values, result.wallTime});
    return content;
}

void TestRegistry::readsWhatIsThere() {
    const auto run = newRun("first", 10, RunState::Failed);
    const auto registry = openRegistry();
    QCOMPARE(registry->catchUp().value(), true);
    const auto runs = registry->runs().value();
    QCOMPARE(runs.size(), std::size_t{1});
    QCOMPARE(runs[0].uuid, run.uuid());
    QCOMPARE(runs[0].annotations.name, std::string("first"));
    QVERIFY(runs[0].state == RunState::Failed);
    QCOMPARE(runs[0].reason, std::string("why"));
    QCOMPARE(runs[0].step, std::int64_t{10});
    QCOMPARE(runs[0].maxSteps, std::int64_t{100});
    QVERIFY(runs[0].config == run.config());
    QVERIFY((registry->metricTags(run.uuid()).value() == std::vector<std::string>{"loss", "lr"}));
    QVERIFY(registry->metric(run.uuid(), "loss").value() == run.metric("loss").value());
    QVERIFY(registry->metric(run.uuid(), "absent")->empty());
    QVERIFY(!registry->metric("no-such-run", "loss"));
    QVERIFY(registry->ingestedAt().value() > 1e9);
    QVERIFY(registry->notice().empty());
}

void TestRegistry::growsWithTheLog() {
    const auto run = newRun("live", 3, RunState::Running);
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    auto trainer = runs::RunLogWriter::create(run.logDirectory(), "trainer").value();
    for (int step = 4; step <= 50; ++step) {
        FAIRY2_OK(trainer.scalars(step, {{"loss", 1.0}}));
        if (step % 10 != 0) continue;
        QVERIFY(registry->catchUp().has_value());
        QCOMPARE(registry->metric(run.uuid(), "loss")->size(), static_cast<std::size_t>(step));
        QCOMPARE(registry->find(run.uuid())->step, std::int64_t{step});
    }
}

void TestRegistry::resumedStepsCountOnce() {
    const auto run = newRun("resumed", 10);
    auto trainer = runs::RunLogWriter::create(run.logDirectory(), "trainer").value();
    for (int step = 6; step <= 12; ++step)
        FAIRY2_OK(trainer.scalars(step, {{"loss", -1.0}}));
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    QVERIFY(registry->metric(run.uuid(), "loss").value() == run.metric("loss").value());
    QCOMPARE(registry->metric(run.uuid(), "loss")->size(), std::size_t{12});
}

void TestRegistry::annotationsAreSeen() {
    const auto run = newRun("edited", 1);
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    FAIRY2_OK(run.setAnnotations({"new name", {"x"}, "note", 2, false}));
    const auto again = openRegistry(); // its first look is a full one
    QVERIFY(again->catchUp().has_value());
    QCOMPARE(again->find(run.uuid())->annotations.name, std::string("new name"));
    QCOMPARE(registry->find(run.uuid())->annotations.color, 2);
}

void TestRegistry::listIsNewestFirstAndHidesArchived() {
    newRun("a", 1);
    const auto hidden = newRun("b", 1);
    newRun("c", 1);
    FAIRY2_OK(hidden.setAnnotations({"b", {}, "", -1, true}));
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    const auto shown = registry->runs().value();
    QCOMPARE(shown.size(), std::size_t{2});
    QCOMPARE(shown[0].annotations.name, std::string("c"));
    QCOMPARE(registry->runs(true)->size(), std::size_t{3});
}

void TestRegistry::findsByIdPrefixNameAndFolder() {
    const auto run = newRun("one", 1);
    newRun("twin", 1);
    base::Json other = newRun("other", 1).config();
    FAIRY2_OK(RunDirectory::create(home() / "runs" / "twin2", other, {}, "", "twin"));
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    QCOMPARE(registry->find(run.uuid())->uuid, run.uuid());
    QCOMPARE(registry->find(run.uuid().substr(0, 8))->uuid, run.uuid());
    QCOMPARE(registry->find("one")->uuid, run.uuid());
    QCOMPARE(registry->find(run.path().string())->uuid, run.uuid());
    const auto twins = registry->find("twin");
    QVERIFY(!twins);
    QVERIFY2(twins.error().message.find("fits 2 runs") != std::string::npos, twins.error().message.c_str());
    for (const char* absent : {"nothing", "%", "____", "", "'; DROP TABLE runs; --"}) {
        const auto found = registry->find(absent);
        QVERIFY2(!found, absent);
        QCOMPARE(found.error().code, base::ErrorCode::NotFound);
    }
}

void TestRegistry::deletedRunsVanish() {
    const auto run = newRun("gone", 5);
    newRun("stays", 5);
    QVERIFY(openRegistry()->catchUp().has_value());
    std::filesystem::remove_all(run.path());
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    QCOMPARE(registry->runs()->size(), std::size_t{1});
    QVERIFY(!registry->metric(run.uuid(), "loss"));
}

void TestRegistry::movedRunsKeepTheirId() {
    const auto run = newRun("before", 5);
    QVERIFY(openRegistry()->catchUp().has_value());
    std::filesystem::rename(run.path(), home() / "runs" / "after");
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    QCOMPARE(registry->find(run.uuid())->directory.filename().string(), std::string("after"));
    QCOMPARE(registry->metric(run.uuid(), "loss")->size(), std::size_t{5});
}

void TestRegistry::runsElsewhereAreLinked() {
    QTemporaryDir elsewhere;
    const auto run =
        RunDirectory::create(base::Path(elsewhere.path().toStdString()) / "run", {}, {}, "", "far").value();
    FAIRY2_OK(runs::registerRun(run));
    FAIRY2_OK(runs::registerRun(run));
    const auto inside = newRun("near", 1);
    FAIRY2_OK(runs::registerRun(inside));
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    QCOMPARE(registry->runs()->size(), std::size_t{2});
    QCOMPARE(registry->find("far")->uuid, run.uuid());
}

void TestRegistry::rebuildEqualsIngest() {
    for (int i = 0; i < 5; ++i)
        newRun("run" + std::to_string(i), 20 + i, i % 2 == 0 ? RunState::Finished : RunState::Failed);
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    FAIRY2_OK(registry->addResult({0, "hash", "label", "ppl", {{"loss", 1.5}}}));
    QVERIFY(registry->catchUp().has_value());
    const auto before = contentOf(*registry);
    const auto rebuilt = registry->rebuild();
    FAIRY2_OK(rebuilt);
    QCOMPARE(*rebuilt, std::int64_t{5});
    QVERIFY(contentOf(*registry) == before);
    // Deleted by hand: the next start makes it again.
    for (const char* suffix : {"", "-wal", "-shm"})
        std::filesystem::remove(file().string() + suffix);
    const auto fresh = openRegistry();
    QVERIFY(fresh->catchUp().has_value());
    QVERIFY(contentOf(*fresh) == before);
}

void TestRegistry::resultsGoThroughTheJournal() {
    const auto registry = openRegistry();
    FAIRY2_OK(registry->addResult({0, "aa", "first", "ppl", {{"nats_per_token", 1.25}}}));
    FAIRY2_OK(registry->addResult({0, "bb", "second", "export", {{"bytes", 5}}}));
    const auto all = registry->results().value();
    QCOMPARE(all.size(), std::size_t{2});
    const auto some = registry->results("bb").value();
    QCOMPARE(some.size(), std::size_t{1});
    QCOMPARE(some[0].label, std::string("second"));
    QCOMPARE(some[0].values.value("bytes", 0), 5);
    QVERIFY(some[0].wallTime > 1e9);
    QCOMPARE(openRegistry()->results()->size(), std::size_t{2});
}

void TestRegistry::anotherHoldsTheLock() {
    newRun("first", 3);
    const auto registry = openRegistry();
    QCOMPARE(registry->catchUp().value(), true);
    newRun("second", 3);
    {
        const auto lock = base::FileLock::tryLock(home() / "registry.lock");
        FAIRY2_OK(lock);
        QCOMPARE(registry->catchUp().value(), false);
        QCOMPARE(registry->runs()->size(), std::size_t{1}); // what is there can be read
        // A result is on disk all the same.
        FAIRY2_OK(registry->addResult({0, "h", "l", "ppl", {}}));
        QCOMPARE(registry->results()->size(), std::size_t{0});
    }
    QCOMPARE(openRegistry()->catchUp().value(), true);
    QCOMPARE(registry->runs()->size(), std::size_t{2});
    QCOMPARE(registry->results()->size(), std::size_t{1});
}

void TestRegistry::odd_data() {
    QTest::addColumn<QByteArray>("content");
    QTest::newRow("garbage") << QByteArray(20000, 'x');
    QTest::newRow("empty file") << QByteArray();
    QTest::newRow("cut") << QByteArray("cut");
    QTest::newRow("zeros behind the head") << QByteArray("zeros");
    QTest::newRow("another program's database") << QByteArray("foreign");
}

void TestRegistry::odd() {
    QFETCH(QByteArray, content);
    newRun("kept", 7);
    {
        const auto registry = openRegistry();
        QVERIFY(registry->catchUp().has_value());
    }
    auto bytes = contentOfFile(file());
    if (content == "cut")
        bytes.resize(bytes.size() / 2 + 100);
    else if (content == "zeros")
        std::fill(bytes.begin() + 100, bytes.end(), '\0');
    else
        bytes = content.toStdString();
    std::filesystem::remove(file().string() + "-wal");
    if (content == "foreign") {
        std::filesystem::remove(file());
        runs::Database other(file(), runs::Database::Mode::ReadWrite);
        other.execute("CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)");
    } else {
        write(file(), bytes);
    }
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    const auto runs = registry->runs();
    FAIRY2_OK(runs);
    QCOMPARE(runs->size(), std::size_t{1});
    QCOMPARE(registry->metric((*runs)[0].uuid, "loss")->size(), std::size_t{7});
    if (content.isEmpty()) return; // nothing was lost, so nothing is kept
    QVERIFY(!registry->notice().empty());
    bool isKept = false;
    for (const auto& entry : std::filesystem::directory_iterator(home()))
        isKept = isKept || entry.path().filename().string().starts_with("registry.sqlite.corrupt-");
    QVERIFY(isKept);
}

void TestRegistry::newerFileIsOnlyRead() {
    newRun("old", 2);
    {
        const auto registry = openRegistry();
        QVERIFY(registry->catchUp().has_value());
        runs::Database(file(), runs::Database::Mode::ReadWrite).execute("PRAGMA user_version=1000");
    }
    newRun("new", 2);
    const auto registry = openRegistry();
    QVERIFY(registry->notice().find("newer version") != std::string::npos);
    QCOMPARE(registry->catchUp().value(), false);
    QCOMPARE(registry->runs()->size(), std::size_t{1});
    QVERIFY(!registry->rebuild());
}

void TestRegistry::everyFlippedBitOfARowIsFound() {
    const auto run = newRun("guarded", 3, RunState::Failed);
    std::string expected;
    {
        const auto registry = openRegistry();
        QVERIFY(registry->catchUp().has_value());
        expected = registry->find(run.uuid())->reason;
    }
    // Changes that SQLite's own checks cannot see.
    for (const char* change :
         {"state='finished'", "reason='whz'", "step=1000003", "config='{}'", "command='rm'",
          "checkpoints='[{\"step\":9,\"path\":\"x\"}]'", "max_steps=1", "created=created+1"}) {
        runs::Database(file(), runs::Database::Mode::ReadWrite)
            .execute(std::string("UPDATE runs SET ") + change);
        const auto registry = openRegistry();
        const auto found = registry->find(run.uuid());
        FAIRY2_OK(found);
        QCOMPARE(found->reason, expected);
        QVERIFY(found->state == RunState::Failed);
        QCOMPARE(found->step, std::int64_t{3});
        QVERIFY(found->checkpoints.empty());
        QVERIFY(found->config == run.config());
        QVERIFY(registry->catchUp().has_value()); // and mended
        const auto mended = openRegistry()->runs().value();
        QCOMPARE(mended.at(0).command, run.command());
    }
}

void TestRegistry::lostRunsAreTold() {
    const auto run = newRun("lost", 3, RunState::Running);
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    QVERIFY(registry->find(run.uuid())->state == RunState::Lost);
    QVERIFY(registry->runs()->at(0).reason.find("supervisor is gone") != std::string::npos);
}

void TestRegistry::replacedFileIsNoticed() {
    newRun("first", 3);
    const auto window = openRegistry();
    QVERIFY(window->catchUp().has_value());
    QCOMPARE(openRegistry()->rebuild().value(), std::int64_t{1});
    newRun("second", 3);
    QCOMPARE(window->catchUp().value(), true);
    QCOMPARE(window->runs()->size(), std::size_t{2});
    QCOMPARE(openRegistry()->runs()->size(), std::size_t{2}); // it was written to the new file
}

void TestRegistry::nanSurvives() {
    const auto run = newRun("odd values", 0);
    auto trainer = runs::RunLogWriter::create(run.logDirectory(), "trainer").value();
    FAIRY2_OK(trainer.scalars(1, {{"loss", std::nan("")}}));
    FAIRY2_OK(trainer.scalars(2, {{"loss", INFINITY}}));
    const auto registry = openRegistry();
    QVERIFY(registry->catchUp().has_value());
    const auto loss = registry->metric(run.uuid(), "loss").value();
    QVERIFY(std::isnan(loss.at(0).second));
    QCOMPARE(loss.at(1).second, static_cast<double>(INFINITY));
}

void TestRegistry::cancelledIngestGoesOn() {
    for (int i = 0; i < 4; ++i)
        newRun("run" + std::to_string(i), 5);
    const auto registry = openRegistry();
    base::Cancel cancel;
    base::Task task;
    task.cancel = &cancel;
    task.report = [&](std::int64_t done, std::int64_t, const std::string&) {
        if (done == 2) cancel.request();
    };
    const auto stopped = registry->catchUp(task);
    QVERIFY(!stopped);
    QCOMPARE(stopped.error().code, base::ErrorCode::Cancelled);
    QVERIFY(registry->runs()->size() < 4);
    QVERIFY(registry->catchUp().value());
    QCOMPARE(registry->runs()->size(), std::size_t{4});
}

QTEST_APPLESS_MAIN(TestRegistry)
#include "tst_registry.moc"
