// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "command.h"
#include "text/tokenizer.h"

#include <QTemporaryDir>
#include <cmath>

using namespace fairy2;
using base::Json;

namespace {

QString demo() {
    return QString::fromStdString(tests::environment("FAIRY2_SOURCE")) + "/resources/demo/stories260K";
}

QString rows() {
    return QString::fromStdString(tests::dataFile("infer/stories_rows.txt").string());
}

Json golden(const char* mode) {
    return base::readJson(tests::dataFile("infer/goldens.json")).value()["stories"][mode];
}

} // namespace

/// The verbs eval, generate and tokenize on the bundled demo.
class TestTextVerbs : public QObject {
    Q_OBJECT
private slots:
    void lossEqualsPyTorch();
    void severalCheckpointsGiveRows();
    void textIsCutIntoRows();
    void divergenceFromATeacher();
    void badEvaluationsAreRefused_data();
    void badEvaluationsAreRefused();
    void generationIsPrintedAsText();
    void generationIsGivenAsJson();
    void badGenerationsAreRefused_data();
    void badGenerationsAreRefused();
    void aWholeFileIsTokenised();
    void standardInputIsTokenised();
    void idsAreDecoded();
    void badTokenizationsAreRefused_data();
    void badTokenizationsAreRefused();

private:
    static void addRefusals();
    static void checkRefusal();
};

void TestTextVerbs::lossEqualsPyTorch() {
    for (const char* mode : {"fp", "w2"}) {
        const auto result =
            tests::fairy2({"eval", "ppl", demo(), "--mode", mode, "--tokens", rows(), "--json"});
        QCOMPARE(result.exitCode, 0);
        const auto document = result.json();
        const auto expected = golden(mode);
        QVERIFY(std::abs(document.at("nats_per_token").get<double>() -
                         expected.at("nats_per_token").get<double>()) < 2e-5);
        QVERIFY(document.at("tokens_scored") == expected.at("tokens_scored"));
        QVERIFY(std::abs(document.at("perplexity").get<double>() -
                         std::exp(document.at("nats_per_token").get<double>())) < 1e-6);
        QVERIFY(document.at("standard_error").get<double>() > 0);
        QVERIFY(document.at("preset") == "rows");
        QVERIFY(document.at("engine") == "cpu");
        QVERIFY(document.at("mode") == mode);
    }
}

void TestTextVerbs::severalCheckpointsGiveRows() {
    const QStringList arguments = {"eval", "ppl", demo(), demo(), "--tokens", rows(), "--max-rows", "3"};
    const auto document = tests::fairy2(arguments + QStringList{"--json"}).json();
    QCOMPARE(document.at("rows").size(), std::size_t{2});
    QVERIFY(document["rows"][0]["nats_per_token"] == document["rows"][1]["nats_per_token"]);
    const auto text = tests::fairy2(arguments);
    QCOMPARE(text.exitCode, 0);
    QCOMPARE(std::count(text.output.begin(), text.output.end(), '\n'), 3);
    QVERIFY(text.output.find("nats/token") != std::string::npos);
}

void TestTextVerbs::textIsCutIntoRows() {
    QTemporaryDir directory;
    const auto file = base::Path(directory.path().toStdString()) / "story.txt";
    std::string story;
    for (int i = 0; i < 200; ++i)
        story += "Once upon a time there was a little dog. ";
    FAIRY2_OK(base::writeFileAtomically(file, story));
    const auto result =
        tests::fairy2({"eval", "ppl", demo(), "--text", QString::fromStdString(file.string()), "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto tokens = static_cast<std::int64_t>(
        text::Tokenizer::open(demo().toStdString()).value()->encode(story).value().size());
    const auto rowCount = (tokens + 511) / 512;
    QVERIFY(result.json().at("tokens_scored") == tokens - rowCount);
    QVERIFY(result.json().at("preset") == "text-512");
}

void TestTextVerbs::divergenceFromATeacher() {
    const QStringList arguments = {"eval",      "kld",  demo(),     "--mode", "w2",
                                   "--teacher", demo(), "--tokens", rows()};
    const auto result = tests::fairy2(arguments + QStringList{"--json"});
    QCOMPARE(result.exitCode, 0);
    const auto expected = golden("divergence_w2");
    for (const char* key : {"mean", "p99", "max", "top1_agreement"})
        QVERIFY(std::abs(result.json().at(key).get<double>() - expected.at(key).get<double>()) < 1e-4);
    const auto text = tests::fairy2(arguments);
    QCOMPARE(text.exitCode, 0);
    QVERIFY(text.output.find("12.79 %") != std::string::npos);
}

void TestTextVerbs::addRefusals() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("exitCode");
    QTest::addColumn<QByteArray>("says");
}

void TestTextVerbs::checkRefusal() {
    QFETCH(QStringList, arguments);
    QFETCH(int, exitCode);
    QFETCH(QByteArray, says);
    const auto text = tests::fairy2(arguments);
    QCOMPARE(text.exitCode, exitCode);
    QVERIFY2(QByteArray::fromStdString(text.errors).contains(says), text.errors.c_str());
    const auto document = tests::fairy2(arguments + QStringList{"--json"});
    QCOMPARE(document.exitCode, exitCode);
    QVERIFY(document.json().contains("error"));
}

void TestTextVerbs::badEvaluationsAreRefused_data() {
    addRefusals();
    QTest::newRow("nothing to score") << QStringList{"eval", "ppl", demo()} << 2 << QByteArray("--tokens");
    QTest::newRow("both sources") << QStringList{"eval", "ppl", demo(), "--tokens", rows(), "--text", "x"}
                                  << 2 << QByteArray("exclude");
    QTest::newRow("unknown mode") << QStringList{"eval", "ppl", demo(), "--mode", "w9", "--tokens", rows()}
                                  << 2 << QByteArray("--mode");
    QTest::newRow("mode and stages") << QStringList{"eval",     "ppl", demo(),     "--mode", "w1",
                                                    "--stages", "2",   "--tokens", rows()}
                                     << 2 << QByteArray("--stages");
    QTest::newRow("no such model") << QStringList{"eval", "ppl", "/nowhere", "--tokens", rows()} << 3
                                   << QByteArray("/nowhere");
    QTest::newRow("no such rows") << QStringList{"eval", "ppl", demo(), "--tokens", "nowhere.txt"} << 3
                                  << QByteArray("nowhere.txt");
    QTest::newRow("no teacher") << QStringList{"eval", "kld", demo(), "--tokens", rows()} << 2
                                << QByteArray("--teacher");
    QTest::newRow("teacher is not there")
        << QStringList{"eval", "kld", demo(), "--teacher", "/nowhere", "--tokens", rows()} << 3
        << QByteArray("/nowhere");
    QTest::newRow("torch reads no text")
        << QStringList{"eval", "ppl", demo(), "--text", "x", "--engine", "torch"} << 2
        << QByteArray("--text");
}

void TestTextVerbs::badEvaluationsAreRefused() {
    checkRefusal();
}

void TestTextVerbs::generationIsPrintedAsText() {
    const auto result =
        tests::fairy2({"generate", demo(), "--prompt", "Once upon a time", "--max-tokens", "12"});
    QCOMPARE(result.exitCode, 0);
    QVERIFY2(result.output.starts_with("Once upon a time, there was a "), result.output.c_str());
    QVERIFY(result.output.ends_with('\n'));
}

void TestTextVerbs::generationIsGivenAsJson() {
    const QStringList arguments = {"generate",     demo(), "--prompt", "Once upon a time",
                                   "--max-tokens", "12",   "--json"};
    const auto document = tests::fairy2(arguments).json();
    QCOMPARE(document.at("ids").size(), std::size_t{12});
    QVERIFY(document.at("text").get<std::string>().starts_with(", there was a "));
    QVERIFY(document.at("tokens_per_second").get<double>() > 0);
    QVERIFY(document.at("stop") == "length");
    const auto hot = tests::fairy2(arguments + QStringList{"--temperature", "1.5", "--seed", "3"}).json();
    QVERIFY(hot.at("ids") != document.at("ids"));
    QVERIFY(hot.at("ids") ==
            tests::fairy2(arguments + QStringList{"--temperature", "1.5", "--seed", "3"}).json().at("ids"));
}

void TestTextVerbs::badGenerationsAreRefused_data() {
    addRefusals();
    QTest::newRow("no such model") << QStringList{"generate", "/nowhere"} << 3 << QByteArray("/nowhere");
    QTest::newRow("no tokens") << QStringList{"generate", demo(), "--max-tokens", "0"} << 2
                               << QByteArray("--max-tokens");
    QTest::newRow("no such tokenizer")
        << QStringList{"generate", demo(), "--tokenizer", "/nowhere"} << 3 << QByteArray("/nowhere");
    QTest::newRow("prompt beyond the context")
        << QStringList{"generate", demo(), "--prompt", QString("word ").repeated(600)} << 3
        << QByteArray("512 positions");
}

void TestTextVerbs::badGenerationsAreRefused() {
    checkRefusal();
}

void TestTextVerbs::aWholeFileIsTokenised() {
    const auto file = tests::environment("FAIRY2_SOURCE") + "/resources/demo/stories.txt";
    const QStringList arguments = {"tokenize", demo(), "--file", QString::fromStdString(file)};
    const auto document = tests::fairy2(arguments + QStringList{"--json"}).json();
    const auto expected = text::Tokenizer::open(demo().toStdString())
                              .value()
                              ->encode(base::readFile(file, std::size_t{1} << 24).value())
                              .value();
    QVERIFY(document.at("ids").get<std::vector<std::int32_t>>() == expected);
    const auto special = tests::fairy2(arguments + QStringList{"--add-special", "--json"}).json();
    QVERIFY(special.at("ids")[0] == 1);
    QCOMPARE(special.at("ids").size(), expected.size() + 1);
}

void TestTextVerbs::standardInputIsTokenised() {
    QProcess process;
    process.start(QString::fromStdString(tests::program("fairy2").string()),
                  {"tokenize", demo(), "--file", "-"});
    process.write("Once upon");
    process.closeWriteChannel();
    QVERIFY(process.waitForFinished());
    QCOMPARE(process.readAllStandardOutput(), QByteArray("403 407\n"));
}

void TestTextVerbs::idsAreDecoded() {
    QCOMPARE(tests::fairy2({"tokenize", demo(), "--decode", "403", "407"}).output,
             std::string("Once upon\n"));
    QCOMPARE(tests::fairy2({"tokenize", demo(), "--decode", "403,407"}).output, std::string("Once upon\n"));
    const auto document = tests::fairy2({"tokenize", demo(), "--json", "--decode", "1", "403"}).json();
    QVERIFY(document.at("text") == "Once");
    QCOMPARE(tests::fairy2({"tokenize", demo(), "Once upon"}).output, std::string("403 407\n"));
    QCOMPARE(tests::fairy2({"tokenize", demo(), ""}).exitCode, 0);
}

void TestTextVerbs::badTokenizationsAreRefused_data() {
    addRefusals();
    QTest::newRow("nothing") << QStringList{"tokenize", demo()} << 2 << QByteArray("TEXT");
    QTest::newRow("no tokenizer") << QStringList{"tokenize", "/nowhere", "x"} << 3 << QByteArray("/nowhere");
    QTest::newRow("no such file") << QStringList{"tokenize", demo(), "--file", "nowhere.txt"} << 3
                                  << QByteArray("nowhere.txt");
    QTest::newRow("not a text") << QStringList{"tokenize", demo(), "--file", demo() + "/model.safetensors"}
                                << 3 << QByteArray("model.safetensors");
    QTest::newRow("not ids") << QStringList{"tokenize", demo(), "--decode", "x"} << 2
                             << QByteArray("--decode");
}

void TestTextVerbs::badTokenizationsAreRefused() {
    checkRefusal();
}

QTEST_GUILESS_MAIN(TestTextVerbs)
#include "tst_textverbs.moc"
