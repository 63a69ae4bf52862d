// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/process.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <csignal>
#include <thread>

using namespace fairy2;

class TestProcess : public QObject {
    Q_OBJECT
private slots:
    void argumentsArriveByteForByte();
    void outputErrorsAndExitCodeAreKeptApart();
    void inputAndEnvironmentReachTheChild();
    void workingDirectoryIsTheChilds();
    void aSignalIsToldFromAnExitCode();
    void aMissingProgramIsAnError();
    void aTimeoutEndsTheWholeGroup();
    void cancelEndsAChildThatIgnoresSigterm();
    void tooMuchOutputIsAnError();
    void aGrandchildHoldingThePipesIsNotWaitedFor();
    void inputToAChildThatReadsNothingIsHarmless();
};

void TestProcess::argumentsArriveByteForByte() {
    const std::vector<std::string> awkward = {"$(touch canary)", "a b", "'\"", "*", "; exit 3", "\n", ""};
    std::vector<std::string> argv = {"printf", "%s\\0"};
    argv.insert(argv.end(), awkward.begin(), awkward.end());
    const auto result = base::runProcess(argv);
    FAIRY2_OK(result);
    std::string expected;
    for (const auto& text : awkward)
        expected += text + '\0';
    QCOMPARE(result->output, expected);
}

void TestProcess::outputErrorsAndExitCodeAreKeptApart() {
    std::vector<std::string> lines;
    base::ProcessOptions options;
    options.onErrorLine = [&lines](std::string_view line) { lines.emplace_back(line); };
    const auto result =
        base::runProcess({"sh", "-c", "echo out; echo one >&2; printf two >&2; exit 7"}, options);
    FAIRY2_OK(result);
    QCOMPARE(result->output, std::string("out\n"));
    QCOMPARE(result->errors, std::string("one\ntwo\n"));
    QCOMPARE(lines, (std::vector<std::string>{"one", "two"}));
    QCOMPARE(result->exitCode, 7);
    QVERIFY(!result->succeeded());
}

void TestProcess::inputAndEnvironmentReachTheChild() {
    base::ProcessOptions options;
    options.input = std::string(300000, 'x');
    options.environment = {"FAIRY2_PROBE=here"};
    const auto result = base::runProcess({"sh", "-c", "echo $FAIRY2_PROBE; wc -c"}, options);
    FAIRY2_OK(result);
    QCOMPARE(result->output, std::string("here\n300000\n"));
}

void TestProcess::workingDirectoryIsTheChilds() {
    QTemporaryDir directory;
    base::ProcessOptions options;
    options.workingDirectory = directory.path().toStdString();
    const auto result = base::runProcess({"pwd", "-P"}, options);
    FAIRY2_OK(result);
    QCOMPARE(result->output, std::filesystem::canonical(options.workingDirectory).string() + "\n");
}

void TestProcess::aSignalIsToldFromAnExitCode() {
    const auto result = base::runProcess({"sh", "-c", "kill -USR1 $$"});
    FAIRY2_OK(result);
    QCOMPARE(result->signal, SIGUSR1);
    QVERIFY(!result->succeeded());
}

void TestProcess::aMissingProgramIsAnError() {
    const auto result = base::runProcess({"/nowhere/fairy2-missing"});
    QVERIFY(!result);
    QCOMPARE(result.error().code, base::ErrorCode::NotFound);
    QVERIFY(result.error().sentence().find("/nowhere/fairy2-missing") != std::string::npos);
    QVERIFY(!base::runProcess({}));
}

void TestProcess::aTimeoutEndsTheWholeGroup() {
    QTemporaryDir directory;
    base::ProcessOptions options;
    options.workingDirectory = directory.path().toStdString();
    options.timeoutSeconds = 0.3;
    const auto result = base::runProcess({"sh", "-c", "sleep 60 & echo $! > pid; wait"}, options);
    QVERIFY(!result);
    QVERIFY(result.error().message.find("0.3 s") != std::string::npos);
    const auto pid = std::stoi(base::readFile(options.workingDirectory / "pid", 64).value());
    // Its new parent reaps it in its own time.
    QTRY_VERIFY(::kill(pid, 0) != 0 ||
                base::readFile("/proc/" + std::to_string(pid) + "/stat", 4096).value_or(") Z").find(") Z") !=
                    std::string::npos);
}

void TestProcess::cancelEndsAChildThatIgnoresSigterm() {
    base::Cancel cancel;
    base::ProcessOptions options;
    options.cancel = &cancel;
    options.graceSeconds = 0.2;
    std::jthread later([&cancel] {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        cancel.request();
    });
    const auto result = base::runProcess({"sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"}, options);
    QVERIFY(!result);
    QCOMPARE(result.error().code, base::ErrorCode::Cancelled);
}

void TestProcess::tooMuchOutputIsAnError() {
    base::ProcessOptions options;
    options.maxOutput = 100000;
    const auto result = base::runProcess({"yes"}, options);
    QVERIFY(!result);
    QVERIFY(result.error().message.find("100000 bytes") != std::string::npos);
    options.maxOutput = 5;
    QVERIFY(!base::runProcess({"echo", "longer"}, options));
    options.maxOutput = 7;
    QVERIFY(base::runProcess({"echo", "longer"}, options).has_value());
}

void TestProcess::aGrandchildHoldingThePipesIsNotWaitedFor() {
    const double started = base::steadyTime();
    const auto result = base::runProcess({"sh", "-c", "sleep 30 & echo $!"});
    FAIRY2_OK(result);
    QVERIFY(base::steadyTime() - started < 20);
    ::kill(std::stoi(result->output), SIGKILL);
}

void TestProcess::inputToAChildThatReadsNothingIsHarmless() {
    base::ProcessOptions options;
    options.input = std::string(1 << 22, 'x');
    const auto result = base::runProcess({"true"}, options);
    FAIRY2_OK(result);
    QVERIFY(result->succeeded());
}

QTEST_APPLESS_MAIN(TestProcess)
#include "tst_process.moc"
