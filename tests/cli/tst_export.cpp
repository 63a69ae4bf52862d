// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <QTemporaryDir>
#include <csignal>
#include <filesystem>

using namespace fairy2;

class TestExportVerb : public QObject {
    Q_OBJECT
private slots:
    void packsAModel();
    void bakesWhatIsPacked();
    void quantizeWritesABakedFolder();
    void nothingIsQuantisedTwice();
    void existingFolderNeedsOverwrite();
    void unknownFormatNamesTheKnownOnes();
    void missingArgumentsAreUsageErrors_data();
    void missingArgumentsAreUsageErrors();
    void interruptLeavesNothing();
};

namespace {

QString demo() {
    return QString::fromStdString(tests::environment("FAIRY2_SOURCE")) + "/resources/demo/stories260K";
}

} // namespace

void TestExportVerb::packsAModel() {
    QTemporaryDir directory;
    const auto out = directory.filePath("p");
    const auto result = tests::fairy2({"export", demo(), out, "--stages", "2", "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto document = result.json();
    QVERIFY(document.at("format") == "packed");
    QVERIFY(document.at("quantized_layers") == 35);
    QVERIFY(document.at("folder") == out.toStdString());
    QVERIFY(document.at("bytes") == QFileInfo(out + "/packed.safetensors").size());
    const auto text = tests::fairy2({"export", demo(), directory.filePath("q"), "--mode", "w1"});
    QCOMPARE(text.exitCode, 0);
    QVERIFY(text.output.find("35 layers quantised") != std::string::npos);
}

void TestExportVerb::bakesWhatIsPacked() {
    QTemporaryDir directory;
    const auto packed = directory.filePath("p");
    QCOMPARE(tests::fairy2({"export", demo(), packed, "--stages", "2"}).exitCode, 0);
    const auto baked = tests::fairy2({"export", packed, directory.filePath("b"), "--format", "hf", "--json"});
    QCOMPARE(baked.exitCode, 0);
    QVERIFY(baked.json().at("format") == "hf");
}

void TestExportVerb::quantizeWritesABakedFolder() {
    QTemporaryDir directory;
    const auto out = directory.filePath("b");
    const auto result = tests::fairy2({"quantize", demo(), out, "--mode", "w1", "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto marker = base::readJson((out + "/fairy2.json").toStdString());
    FAIRY2_OK(marker);
    QVERIFY(marker->at("kind") == "baked");
    QVERIFY(marker->at("recipe").at("stages") == 1);
    QCOMPARE(tests::fairy2({"quantize", demo()}).exitCode, 2);
    QCOMPARE(tests::fairy2({"quantize"}).exitCode, 2);
}

void TestExportVerb::nothingIsQuantisedTwice() {
    QTemporaryDir directory;
    const auto baked = directory.filePath("b");
    QCOMPARE(tests::fairy2({"quantize", demo(), baked, "--mode", "w2"}).exitCode, 0);
    for (const auto& verb : {QStringList{"quantize", baked, directory.filePath("x")},
                             QStringList{"export", baked, directory.filePath("x")},
                             QStringList{"export", baked, directory.filePath("x"), "--stages", "1"},
                             QStringList{"analyze", baked}}) {
        const auto refused = tests::fairy2(verb + QStringList{"--json"});
        QCOMPARE(refused.exitCode, 3);
        QVERIFY(refused.json().at("error").at("message").get<std::string>().find("quantised already") !=
                std::string::npos);
    }
    QVERIFY(!QFileInfo::exists(directory.filePath("x")));
}

void TestExportVerb::existingFolderNeedsOverwrite() {
    QTemporaryDir directory;
    const QStringList command{"export", demo(), directory.filePath("p"), "--stages", "1"};
    QCOMPARE(tests::fairy2(command).exitCode, 0);
    QCOMPARE(tests::fairy2(command).exitCode, 3);
    QCOMPARE(tests::fairy2(command + QStringList{"--overwrite"}).exitCode, 0);
}

void TestExportVerb::unknownFormatNamesTheKnownOnes() {
    QTemporaryDir directory;
    const auto refused = tests::fairy2(
        {"export", demo(), directory.filePath("g"), "--format", "gguf", "--stages", "2", "--json"});
    QCOMPARE(refused.exitCode, 2);
    QVERIFY(refused.json().at("error").at("hint") == "use packed or hf");
}

void TestExportVerb::missingArgumentsAreUsageErrors_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("exitCode");
    QTest::newRow("nothing") << QStringList{} << 2;
    QTest::newRow("no target") << QStringList{demo()} << 2;
    QTest::newRow("unknown type") << QStringList{demo(), "/tmp/never", "--dense-type", "int8"} << 2;
    QTest::newRow("an ordinary model without a recipe") << QStringList{demo(), "/tmp/never"} << 3;
    QTest::newRow("no such model") << QStringList{"/nowhere/at/all", "/tmp/never"} << 3;
}

void TestExportVerb::missingArgumentsAreUsageErrors() {
    QFETCH(QStringList, arguments);
    QFETCH(int, exitCode);
    QCOMPARE(tests::fairy2(QStringList{"export"} + arguments).exitCode, exitCode);
    QVERIFY(!QFileInfo::exists("/tmp/never"));
}

void TestExportVerb::interruptLeavesNothing() {
    FAIRY2_REAL_FILE(model, "models/smollm2-mini-31m");
    QTemporaryDir directory;
    QProcess process;
    process.start(
        QString::fromStdString(tests::program("fairy2").string()),
        {"export", QString::fromStdString(model.string()), directory.filePath("p"), "--stages", "4"});
    QVERIFY(process.waitForStarted());
    // As soon as the work has begun: there is something to clean up.
    const QDir parent(directory.path());
    QTRY_VERIFY_WITH_TIMEOUT(!parent.entryList(QDir::Dirs | QDir::NoDotAndDotDot | QDir::Hidden).isEmpty(),
                             20000);
    ::kill(static_cast<pid_t>(process.processId()), SIGINT);
    QVERIFY(process.waitForFinished(60000));
    if (process.exitCode() == 0) QSKIP("the export was faster than the signal");
    QCOMPARE(process.exitCode(), 130);
    QVERIFY(parent.entryList(QDir::Dirs | QDir::NoDotAndDotDot | QDir::Hidden).isEmpty());
}

QTEST_APPLESS_MAIN(TestExportVerb)
#include "tst_export.moc"
