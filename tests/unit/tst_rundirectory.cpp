// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "runs/runreplay.h"
#include "runs/supervisorfile.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <fstream>
#include <unistd.h>

using namespace fairy2;
using runs::RunDirectory;
using runs::RunState;

class TestRunDirectory : public QObject {
    Q_OBJECT
private slots:
    void createsAndOpens();
    void refusesAFilledFolder();
    void refusesAChangedRunFile();
    void annotationsSurvive();
    void summaryFollowsTheLog();
    void laterRecordsWin();
    void sequenceBeatsOrder();
    void lostWhenTheSupervisorIsGone_data();
    void lostWhenTheSupervisorIsGone();
    void manifestFindsEveryFlippedByte();
    void manifestFindsMissingAndLongerFiles();
    void latestCheckpointFallsBack();
    void everyStateHasAName();
};

namespace {

base::Path folderOf(const QTemporaryDir& directory) {
    return directory.path().toStdString();
}

void write(const base::Path& file, const std::string& content) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
}

std::string contentOf(const base::Path& file) {
    return base::readFile(file, 1 << 24).value();
}

RunDirectory newRun(const QTemporaryDir& directory) {
    return RunDirectory::create(folderOf(directory) / "run", {{"training", {{"max_steps", 100}}}},
                                {{"training.max_steps", "override"}}, "fairy2 train training.max_steps=100",
                                "first")
        .value();
}

// A committed checkpoint with two files; its manifest's hash.
std::string saveCheckpoint(const base::Path& run, int step) {
    const auto folder = run / "checkpoints" / ("step-" + std::to_string(step));
    write(folder / "model.safetensors", std::string(300, static_cast<char>('a' + step % 20)));
    write(folder / "state.json", "{\"step\": " + std::to_string(step) + "}");
    return runs::writeManifest(folder, {{"step", step}}).value();
}

} // namespace

void TestRunDirectory::createsAndOpens() {
    QTemporaryDir directory;
    const auto run = newRun(directory);
    QCOMPARE(run.uuid().size(), std::size_t{36});
    const auto again = RunDirectory::open(run.path());
    FAIRY2_OK(again);
    QCOMPARE(again->uuid(), run.uuid());
    QVERIFY(again->config() == run.config());
    QCOMPARE(again->annotations()->name, std::string("first"));
    const auto summary = again->summary();
    FAIRY2_OK(summary);
    QVERIFY(summary->state == RunState::Queued);
    QCOMPARE(summary->maxSteps, std::int64_t{100});
    QCOMPARE(summary->command, std::string("fairy2 train training.max_steps=100"));
    // Nothing but the run itself was left beside it.
    QCOMPARE(std::distance(std::filesystem::directory_iterator(folderOf(directory)), {}), 1);
}

void TestRunDirectory::refusesAFilledFolder() {
    QTemporaryDir directory;
    write(folderOf(directory) / "run" / "thesis.tex", "years of work");
    const auto run = RunDirectory::create(folderOf(directory) / "run", {}, {}, "", "");
    QVERIFY(!run);
    QCOMPARE(run.error().field, std::string("run.dir"));
    QCOMPARE(contentOf(folderOf(directory) / "run" / "thesis.tex"), std::string("years of work"));
    // An empty folder is taken.
    std::filesystem::create_directories(folderOf(directory) / "empty");
    FAIRY2_OK(RunDirectory::create(folderOf(directory) / "empty" / "", {}, {}, "", ""));
}

void TestRunDirectory::refusesAChangedRunFile() {
    QTemporaryDir directory;
    const auto run = newRun(directory);
    auto text = contentOf(run.path() / "run.json");
    text.replace(text.find("100"), 3, "900");
    write(run.path() / "run.json", text);
    const auto again = RunDirectory::open(run.path());
    QVERIFY(!again);
    QCOMPARE(again.error().code, base::ErrorCode::BadInput);
}

void TestRunDirectory::annotationsSurvive() {
    QTemporaryDir directory;
    const auto run = newRun(directory);
    const runs::Annotations written{"näme", {"a", "b c"}, "two\nlines", 3, true};
    FAIRY2_OK(run.setAnnotations(written));
    const auto read = run.annotations();
    FAIRY2_OK(read);
    QCOMPARE(read->name, written.name);
    QVERIFY(read->tags == written.tags);
    QCOMPARE(read->notes, written.notes);
    QCOMPARE(read->color, 3);
    QVERIFY(read->archived);
}

void TestRunDirectory::summaryFollowsTheLog() {
    QTemporaryDir directory;
    const auto run = newRun(directory);
    auto log = runs::RunLogWriter::create(run.logDirectory(), "supervisor").value();
    FAIRY2_OK(log.document(0, runs::stateDocument(RunState::Starting, 1)));
    FAIRY2_OK(log.document(0, runs::stateDocument(RunState::Running, 2)));
    auto trainer = runs::RunLogWriter::create(run.logDirectory(), "trainer").value();
    for (int step = 1; step <= 20; ++step)
        FAIRY2_OK(trainer.scalars(step, {{"loss", 2.0 - step * 0.01}}));
    const auto hash = saveCheckpoint(run.path(), 20);
    FAIRY2_OK(trainer.document(
        20, {{"type", "checkpoint"}, {"step", 20}, {"path", "checkpoints/step-20"}, {"sha256", hash}}));
    FAIRY2_OK(trainer.document(
        20, {{"type", "checkpoint"}, {"step", 10}, {"path", "checkpoints/step-10"}, {"sha256", ""}}));
    FAIRY2_OK(log.document(0, runs::stateDocument(RunState::Failed, 3, "it broke", {{"exit_code", 9}})));
    const auto summary = run.summary();
    FAIRY2_OK(summary);
    QVERIFY(summary->state == RunState::Failed);
    QCOMPARE(summary->reason, std::string("it broke"));
    QCOMPARE(summary->step, std::int64_t{20});
    QCOMPARE(summary->checkpoints.size(), std::size_t{1}); // step 10 was deleted since
    QCOMPARE(summary->checkpoints[0].sha256, hash);
    QCOMPARE(summary->checkpoints[0].path, run.path() / "checkpoints/step-20");
    QCOMPARE(run.metric("loss")->size(), std::size_t{20});
    QCOMPARE(run.metric("loss")->back().second, 1.8);
    QVERIFY(run.metric("absent")->empty());
}

void TestRunDirectory::laterRecordsWin() {
    QTemporaryDir directory;
    const auto run = newRun(directory);
    {
        auto first = runs::RunLogWriter::create(run.logDirectory(), "trainer").value();
        for (int step = 1; step <= 10; ++step)
            FAIRY2_OK(first.scalars(step, {{"loss", 1.0}}));
    }
    auto second = runs::RunLogWriter::create(run.logDirectory(), "trainer").value();
    for (int step = 6; step <= 12; ++step)
        FAIRY2_OK(second.scalars(step, {{"loss", 2.0}}));
    const auto loss = run.metric("loss");
    FAIRY2_OK(loss);
    QCOMPARE(loss->size(), std::size_t{12});
    for (const auto& [step, value] : *loss)
        QCOMPARE(value, step < 6 ? 1.0 : 2.0);
}

void TestRunDirectory::sequenceBeatsOrder() {
    runs::RunReplay replay;
    runs::LogRecord record;
    record.document = runs::stateDocument(RunState::Finished, 7);
    replay.take(record);
    record.document = runs::stateDocument(RunState::Running, 6);
    replay.take(record);
    QVERIFY(replay.state == RunState::Finished);
    record.document = {{"type", "state"}, {"state", 5}};
    replay.take(record);
    record.document = {{"type", 5}, {"state", {}}};
    replay.take(record);
    QVERIFY(replay.state == RunState::Finished);
}

void TestRunDirectory::lostWhenTheSupervisorIsGone_data() {
    QTest::addColumn<int>("pid");
    QTest::addColumn<bool>("ownStart");
    QTest::addColumn<bool>("ownBoot");
    QTest::addColumn<bool>("isLost");
    const int self = ::getpid();
    QTest::newRow("alive") << self << true << true << false;
    QTest::newRow("no such process") << 0x3ffffff << true << true << true;
    QTest::newRow("the pid is another process now") << self << false << true << true;
    QTest::newRow("another boot") << self << true << false << true;
    QTest::newRow("init has the pid") << 1 << false << true << true;
    QTest::newRow("no file") << 0 << true << true << true;
}

void TestRunDirectory::lostWhenTheSupervisorIsGone() {
    QFETCH(int, pid);
    QFETCH(bool, ownStart);
    QFETCH(bool, ownBoot);
    QFETCH(bool, isLost);
    QTemporaryDir directory;
    const auto run = newRun(directory);
    auto log = runs::RunLogWriter::create(run.logDirectory(), "supervisor").value();
    FAIRY2_OK(log.document(0, runs::stateDocument(RunState::Running, 1)));
    const auto self = runs::identityOf(::getpid());
    QVERIFY(self.has_value());
    if (pid != 0)
        write(run.path() / "supervisor.json",
              base::Json{{"pid", pid},
                         {"start_time", ownStart ? self->startTime : self->startTime + 1},
                         {"boot_id", ownBoot ? self->bootId : "00000000-0000-0000-0000-000000000000"},
                         {"run", run.uuid()}}
                  .dump());
    QCOMPARE(runs::livingSupervisor(run.path()).has_value(), !isLost);
    QVERIFY(run.summary()->state == (isLost ? RunState::Lost : RunState::Running));
}

void TestRunDirectory::manifestFindsEveryFlippedByte() {
    QTemporaryDir directory;
    saveCheckpoint(folderOf(directory), 7);
    const auto folder = folderOf(directory) / "checkpoints/step-7";
    FAIRY2_OK(runs::verifyManifest(folder));
    for (const char* name : {"model.safetensors", "state.json", "manifest.json"}) {
        const auto content = contentOf(folder / name);
        for (std::size_t at = 0; at < content.size(); ++at) {
            auto flipped = content;
            flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
            write(folder / name, flipped);
            QVERIFY2(!runs::verifyManifest(folder), qPrintable(QString("%1 byte %2").arg(name).arg(at)));
        }
        write(folder / name, content);
    }
    FAIRY2_OK(runs::verifyManifest(folder));
}

void TestRunDirectory::manifestFindsMissingAndLongerFiles() {
    QTemporaryDir directory;
    saveCheckpoint(folderOf(directory), 7);
    const auto folder = folderOf(directory) / "checkpoints/step-7";
    const auto content = contentOf(folder / "model.safetensors");
    write(folder / "model.safetensors", content + "x");
    auto verdict = runs::verifyManifest(folder);
    QVERIFY(!verdict);
    QVERIFY(verdict.error().file.ends_with("model.safetensors"));
    std::filesystem::remove(folder / "model.safetensors");
    verdict = runs::verifyManifest(folder);
    QVERIFY(!verdict);
    QVERIFY(!runs::verifyManifest(folderOf(directory) / "absent"));
}

void TestRunDirectory::latestCheckpointFallsBack() {
    QTemporaryDir directory;
    const auto run = newRun(directory);
    QVERIFY(!run.latestCheckpoint());
    const auto hash = saveCheckpoint(run.path(), 9);
    saveCheckpoint(run.path(), 10);
    saveCheckpoint(run.path(), 100);
    write(run.checkpointDirectory() / "step-200.tmp-1234/model.safetensors", "half");
    write(run.checkpointDirectory() / "step-300/model.safetensors", "no manifest");
    QCOMPARE(run.latestCheckpoint()->step, std::int64_t{100});
    write(run.checkpointDirectory() / "step-100/model.safetensors", "damaged");
    QCOMPARE(run.latestCheckpoint()->step, std::int64_t{10});
    std::filesystem::remove(run.checkpointDirectory() / "step-10/state.json");
    QCOMPARE(run.latestCheckpoint()->step, std::int64_t{9});
    QCOMPARE(run.latestCheckpoint()->sha256, hash);
}

void TestRunDirectory::everyStateHasAName() {
    for (int i = 0; i <= static_cast<int>(RunState::Cancelled); ++i) {
        const auto state = static_cast<RunState>(i);
        QVERIFY(runs::parseRunState(runs::name(state)) == state);
    }
    QVERIFY(!runs::parseRunState("sleeping"));
}

QTEST_APPLESS_MAIN(TestRunDirectory)
#include "tst_rundirectory.moc"
