// SPDX-License-Identifier: Apache-2.0
// The whole life of a run with a scripted trainer: start, stop, crash, hang, kill, resume.
#include "base/clock.h"
#include "base/process.h"
#include "runs/launcher.h"
#include "runs/supervisorfile.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <csignal>
#include <fstream>
#include <unistd.h>

using namespace fairy2;
using runs::RunDirectory;
using runs::RunState;

class TestSupervisor : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { qputenv("FAIRY2_TRAINER", qgetenv("FAIRY2_FAKE_TRAINER")); }
    void runsToTheEnd();
    void statesAreInOrder();
    void consoleIsKept();
    void stopSavesAndCancels();
    void stopAtTheLastStepIsFinished();
    void deafTrainerIsKilled();
    void explainsTheEnd_data();
    void explainsTheEnd();
    void leavesNoProcessBehind();
    void trainerDiesWithItsSupervisor();
    void secondSupervisorIsRefused();
    void resumesAfterACrash();
    void resumesAfterTheSupervisorWasKilled();
    void stopOfAnEndedRunIsRefused();
    void neverSignalsAForeignProcess();
    void missingTrainerIsToldInTheRun();
};

namespace {

// One run in a folder of its own, told by its name what the trainer does.
class Life {
public:
    explicit Life(const std::string& script, int maxSteps = 1000)
        : m_run(RunDirectory::create(base::Path(m_directory.path().toStdString()) / "run",
                                     {{"run", {{"name", script}}}, {"training", {{"max_steps", maxSteps}}}},
                                     base::Json::object(), "fairy2 train", "")
                    .value()) {}
    // A failed test leaves nothing running.
    ~Life() {
        if (const auto pid = runs::livingSupervisor(m_run.path())) ::kill(*pid, SIGKILL);
    }

    base::Result<base::ProcessResult> supervise(std::vector<std::string> environment = {},
                                                bool resume = false) {
        std::vector<std::string> arguments = {tests::program("fairy2").string(), "supervise",
                                              m_run.path().string(), "--detach"};
        if (resume) arguments.emplace_back("--resume");
        base::ProcessOptions options;
        options.environment = std::move(environment);
        options.timeoutSeconds = 60;
        return base::runProcess(arguments, options);
    }

    [[nodiscard]] const RunDirectory& run() const { return m_run; }
    [[nodiscard]] runs::RunSummary summary() const { return m_run.summary().value(); }
    [[nodiscard]] pid_t supervisor() const { return runs::livingSupervisor(m_run.path()).value_or(0); }

    [[nodiscard]] bool reaches(RunState state, double seconds = 60) const {
        return becomes([&] { return summary().state == state; }, seconds);
    }
    template <typename Condition>
    [[nodiscard]] bool becomes(const Condition& condition, double seconds = 60) const {
        const double until = base::steadyTime() + seconds;
        while (!condition()) {
            if (base::steadyTime() > until) return false;
            ::usleep(20'000);
        }
        return true;
    }

    // The trainer says its pid in the first line.
    [[nodiscard]] pid_t trainer() const {
        std::ifstream console(m_run.path() / "console.log");
        std::string line;
        std::getline(console, line);
        const auto at = line.rfind(' ');
        return at == std::string::npos ? 0 : std::atoi(line.c_str() + at);
    }

    [[nodiscard]] std::vector<base::Json> documents(const std::string& type) const {
        std::vector<base::Json> found;
        const auto damaged = runs::forEachRecord(m_run.logDirectory(), [&](const runs::LogRecord& record) {
            if (record.document.is_object() && record.document.value("type", "") == type)
                found.push_back(record.document);
        });
        if (!damaged || *damaged != 0) qFatal("damaged log");
        return found;
    }

private:
    QTemporaryDir m_directory;
    RunDirectory m_run;
};

} // namespace

void TestSupervisor::runsToTheEnd() {
    Life life("steps=8 save=4", 8);
    const auto started = life.supervise();
    FAIRY2_OK(started);
    QVERIFY2(started->succeeded(), started->errors.c_str());
    QVERIFY(life.reaches(RunState::Finished));
    const auto summary = life.summary();
    QCOMPARE(summary.step, std::int64_t{8});
    QCOMPARE(summary.checkpoints.size(), std::size_t{2});
    QCOMPARE(life.run().metric("loss")->size(), std::size_t{8});
    QCOMPARE(life.run().latestCheckpoint()->step, std::int64_t{8});
    QVERIFY(life.becomes([&] { return !std::filesystem::exists(life.run().path() / "supervisor.json"); }));
}

void TestSupervisor::statesAreInOrder() {
    Life life("steps=40 wait=20", 40);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Running));
    QVERIFY(life.reaches(RunState::Finished));
    std::vector<std::string> states;
    std::int64_t last = -1;
    for (const auto& document : life.documents("state")) {
        states.push_back(document["state"]);
        QVERIFY(document["sequence"].get<std::int64_t>() > last);
        last = document["sequence"].get<std::int64_t>();
    }
    QVERIFY((states == std::vector<std::string>{"starting", "running", "finished"}));
}

void TestSupervisor::consoleIsKept() {
    Life life("steps=2 say=warning:odd", 2);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Finished));
    const auto console = base::readFile(life.run().path() / "console.log", 1 << 20).value();
    QVERIFY(console.find("fake trainer, pid") != std::string::npos);
    QVERIFY(console.find("warning:odd") != std::string::npos);
    bool isThere = false;
    for (const auto& line : life.documents("line"))
        isThere = isThere || (line["text"] == "warning:odd" && line["stream"] == "stderr");
    QVERIFY(isThere);
}

void TestSupervisor::stopSavesAndCancels() {
    Life life("steps=100000 wait=5", 100000);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Running));
    FAIRY2_OK(runs::stop(life.run()));
    QVERIFY(life.reaches(RunState::Cancelled, 25));
    const auto summary = life.summary();
    QVERIFY2(summary.reason.starts_with("stopped on request, checkpoint at step "), summary.reason.c_str());
    QVERIFY(life.run().latestCheckpoint().has_value());
    QCOMPARE(life.run().latestCheckpoint()->step, summary.checkpoints.back().step);
}

void TestSupervisor::stopAtTheLastStepIsFinished() {
    Life life("steps=5 wait=1 slow=1500", 0); // the checkpoint of the stopped run is that of its last step
    FAIRY2_OK(life.supervise());
    QVERIFY(life.becomes([&] { return life.trainer() != 0; }));
    FAIRY2_OK(runs::stop(life.run()));
    QVERIFY(life.becomes([&] { return runs::isFinal(life.summary().state); }));
    QVERIFY(life.summary().state == RunState::Cancelled);
    Life done("steps=3 wait=1 hang", 1); // hangs after step 1 until it is stopped, then saves step 1 of 1
    FAIRY2_OK(done.supervise());
    QVERIFY(done.reaches(RunState::Running));
    FAIRY2_OK(runs::stop(done.run()));
    QVERIFY(done.reaches(RunState::Finished));
}

void TestSupervisor::deafTrainerIsKilled() {
    Life life("steps=100000 wait=5 deaf", 100000);
    FAIRY2_OK(life.supervise({"FAIRY2_STOP_SECONDS=1"}));
    QVERIFY(life.reaches(RunState::Running));
    const auto trainer = life.trainer();
    FAIRY2_OK(runs::stop(life.run()));
    QVERIFY(life.becomes(
        [&] { return life.summary().state == RunState::Stopping || runs::isFinal(life.summary().state); }));
    QVERIFY(life.reaches(RunState::Cancelled, 20));
    QVERIFY2(life.summary().reason.find("was killed") != std::string::npos, life.summary().reason.c_str());
    QVERIFY(!runs::identityOf(trainer));
}

void TestSupervisor::explainsTheEnd_data() {
    QTest::addColumn<QByteArray>("script");
    QTest::addColumn<QByteArray>("says");
    QTest::addColumn<QByteArray>("field");
    QTest::addColumn<QByteArray>("value");
    QTest::newRow("crash") << QByteArray("crash=11 at=3") << QByteArray("SIGSEGV (invalid memory access)")
                           << QByteArray("signal") << QByteArray("\"SIGSEGV\"");
    QTest::newRow("abort") << QByteArray("crash=6 at=1 say=terminate_called:std::bad_alloc")
                           << QByteArray("SIGABRT") << QByteArray("advice")
                           << QByteArray("\"the memory is full: lower training.micro_batch_size and raise "
                                         "training.gradient_accumulation\"");
    QTest::newRow("killed") << QByteArray("crash=9 at=2") << QByteArray("lack of memory")
                            << QByteArray("signal") << QByteArray("\"SIGKILL\"");
    QTest::newRow("exit code") << QByteArray("exit=7 at=2 say=error:row_12_is_bad")
                               << QByteArray("exit code 7: error:row_12_is_bad") << QByteArray("exit_code")
                               << QByteArray("7");
    QTest::newRow("not an error word") << QByteArray("exit=1 at=1 say=last_words") << QByteArray("last_words")
                                       << QByteArray("error_line") << QByteArray("\"last_words\"");
}

void TestSupervisor::explainsTheEnd() {
    QFETCH(QByteArray, script);
    QFETCH(QByteArray, says);
    QFETCH(QByteArray, field);
    QFETCH(QByteArray, value);
    Life life(script.toStdString());
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Failed));
    const auto reason = QByteArray::fromStdString(life.summary().reason);
    QVERIFY2(reason.contains(says), reason.constData());
    const auto document = life.documents("state").back();
    QCOMPARE(QByteArray::fromStdString(document[field.toStdString()].dump()), value);
}

void TestSupervisor::leavesNoProcessBehind() {
    Life life("steps=2 child", 2);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Finished));
    const auto group = life.trainer();
    QVERIFY(group > 0);
    QVERIFY(life.becomes([&] { return ::kill(-group, 0) != 0; }, 5));
}

void TestSupervisor::trainerDiesWithItsSupervisor() {
    Life life("steps=100000 wait=5", 100000);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Running));
    const auto trainer = life.trainer();
    const auto identity = runs::identityOf(trainer);
    QVERIFY(identity.has_value());
    QCOMPARE(::kill(life.supervisor(), SIGKILL), 0);
    QVERIFY(life.becomes([&] { return runs::identityOf(trainer) != identity; }, 2));
    QVERIFY(life.reaches(RunState::Lost, 2));
    QVERIFY(life.summary().reason.find("while the run was running") != std::string::npos);
    QVERIFY(!runs::supervisorAlive(life.run().path()));
}

void TestSupervisor::secondSupervisorIsRefused() {
    Life life("steps=100000 wait=5", 100000);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Running));
    const auto second = life.supervise();
    FAIRY2_OK(second);
    QCOMPARE(second->exitCode, 1);
    QVERIFY(second->errors.find("has a supervisor already") != std::string::npos);
    QVERIFY(life.summary().state == RunState::Running);
    FAIRY2_OK(runs::stop(life.run()));
    QVERIFY(life.reaches(RunState::Cancelled));
}

void TestSupervisor::resumesAfterACrash() {
    Life life("steps=20 save=5 crash=11 at=12", 20);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Failed));
    QCOMPARE(life.run().latestCheckpoint()->step, std::int64_t{10});
    FAIRY2_OK(life.supervise({}, true));
    QVERIFY(life.reaches(RunState::Finished));
    const auto loss = life.run().metric("loss").value();
    QCOMPARE(loss.size(), std::size_t{20}); // steps 11 and 12 were made twice and count once
    QCOMPARE(life.summary().step, std::int64_t{20});
}

void TestSupervisor::resumesAfterTheSupervisorWasKilled() {
    Life life("steps=200 save=2 wait=5", 200);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.becomes([&] { return life.run().latestCheckpoint().has_value(); }));
    QVERIFY(life.reaches(RunState::Running));
    ::kill(life.supervisor(), SIGKILL);
    QVERIFY(life.reaches(RunState::Lost, 5));
    FAIRY2_OK(life.supervise({}, true));
    QVERIFY(life.reaches(RunState::Finished));
    QCOMPARE(life.run().metric("loss")->size(), std::size_t{200});
}

void TestSupervisor::stopOfAnEndedRunIsRefused() {
    Life life("steps=1", 1);
    FAIRY2_OK(life.supervise());
    QVERIFY(life.reaches(RunState::Finished));
    QVERIFY(life.becomes([&] { return life.supervisor() == 0; }));
    QVERIFY(!runs::stop(life.run()));
}

void TestSupervisor::neverSignalsAForeignProcess() {
    Life life("steps=1");
    const pid_t foreign = ::fork();
    if (foreign == 0)
        for (;;)
            ::pause();
    const auto identity = runs::identityOf(foreign);
    QVERIFY(identity.has_value());
    for (const bool otherBoot : {false, true}) {
        std::ofstream(life.run().path() / "supervisor.json")
            << base::Json{{"pid", foreign},
                          {"start_time", identity->startTime + (otherBoot ? 0 : 5)},
                          {"boot_id", otherBoot ? "11111111-1111-1111-1111-111111111111" : identity->bootId}};
        QVERIFY(!runs::stop(life.run()));
        QVERIFY(runs::identityOf(foreign) == identity);
    }
    ::kill(foreign, SIGKILL);
}

void TestSupervisor::missingTrainerIsToldInTheRun() {
    Life life("steps=1");
    FAIRY2_OK(life.supervise({"FAIRY2_TRAINER=/nonexistent/trainer"}));
    QVERIFY(life.reaches(RunState::Failed));
    QVERIFY(life.summary().reason.find("/nonexistent/trainer") != std::string::npos);
}

QTEST_APPLESS_MAIN(TestSupervisor)
#include "tst_supervisor.moc"
