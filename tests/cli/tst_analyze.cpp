// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <QTemporaryDir>
#include <filesystem>

using namespace fairy2;

class TestAnalyzeVerb : public QObject {
    Q_OBJECT
private slots:
    void everyLayerIsReported();
    void layersCanBeChosen();
    void rulesAndScalesReachTheLayers();
    void textHasOneLineALayer();
    void reportGoesToAFolder();
    void badInputIsRefused_data();
    void badInputIsRefused();
};

namespace {

QString demo() {
    return QString::fromStdString(tests::environment("FAIRY2_SOURCE")) + "/resources/demo/stories260K";
}

} // namespace

void TestAnalyzeVerb::everyLayerIsReported() {
    const auto result = tests::fairy2({"analyze", demo(), "--stages", "2", "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto document = result.json();
    QCOMPARE(document.at("layers").size(), std::size_t{35});
    QVERIFY(document.at("recipe").at("stages") == 2);
    for (const auto& layer : document.at("layers")) {
        const auto entries = layer.at("rows").get<std::int64_t>() * layer.at("cols").get<std::int64_t>() / 4;
        QCOMPARE(layer.at("stages").size(), std::size_t{2});
        QVERIFY(layer.at("non_finite") == 0);
        double before = 1;
        for (const auto& stage : layer.at("stages")) {
            for (const char* matrix : {"U", "W"}) {
                std::int64_t sum = 0;
                for (const auto& count : stage.at(matrix).at("counts"))
                    sum += count.get<std::int64_t>();
                QCOMPARE(sum, entries);
                QVERIFY(stage.at(matrix).at("s_re") > 0);
                QVERIFY(stage.at(matrix).at("s_im") > 0);
                QVERIFY(stage.at(matrix).at("entropy_bits") <= 2);
            }
            const auto left = stage.at("residual_energy").get<double>();
            QVERIFY(left > 0 && left < before);
            before = left;
        }
        QCOMPARE(layer.at("relative_error").get<double>(), before);
        QVERIFY(std::abs(layer.at("sqnr_db").get<double>() + 10 * std::log10(before)) < 1e-9);
    }
    QVERIFY(document.at("skipped").at(0).at("name") == "lm_head");
}

void TestAnalyzeVerb::layersCanBeChosen() {
    const auto result =
        tests::fairy2({"analyze", demo(), "--layer", "*.layers.1.self_attn.?_proj", "--lm-head", "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto document = result.json();
    QCOMPARE(document.at("layers").size(), std::size_t{4});
    QVERIFY(document.at("skipped").empty());
    const auto head = tests::fairy2({"analyze", demo(), "--layer", "lm_head", "--lm-head", "--json"});
    QVERIFY(head.json().at("layers").at(0).at("rows") == 512);
}

void TestAnalyzeVerb::rulesAndScalesReachTheLayers() {
    const auto result =
        tests::fairy2({"analyze", demo(), "--mode", "w1", "--scale", "row", "--layers",
                       R"([{"match": "*.down_proj", "stages": 4, "scale": "tile64"}])", "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto document = result.json();
    for (const auto& layer : document.at("layers")) {
        const bool down = layer.at("name").get<std::string>().ends_with("down_proj");
        QCOMPARE(layer.at("stages").size(), std::size_t(down ? 4 : 1));
        QVERIFY(layer.at("scale_granularity") == (down ? "tile64" : "row"));
    }
}

void TestAnalyzeVerb::textHasOneLineALayer() {
    const auto result = tests::fairy2({"analyze", demo()});
    QCOMPARE(result.exitCode, 0);
    const auto lines = QString::fromStdString(result.output).split('\n');
    QCOMPARE(lines.filter("model.layers.").filter("tensor").size(), 35);
    QVERIFY(lines.first().contains("SQNR dB"));
    QVERIFY(result.output.find("35 layers") != std::string::npos);
}

void TestAnalyzeVerb::reportGoesToAFolder() {
    QTemporaryDir directory;
    const auto out = directory.filePath("deep/report");
    const auto result = tests::fairy2({"analyze", demo(), "--out", out, "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto written = base::readJson((out + "/analysis.json").toStdString());
    FAIRY2_OK(written);
    QVERIFY(*written == result.json());
    QCOMPARE(written->at("content_hash").get<std::string>().size(), std::size_t{64});
    QVERIFY(written->at("command").get<std::string>().find("fairy2 analyze") == 0);
    const auto csv = base::readFile((out + "/layers.csv").toStdString(), 1 << 20);
    FAIRY2_OK(csv);
    // Headings, and U and W of two stages of every layer.
    QCOMPARE(QString::fromStdString(*csv).split('\n', Qt::SkipEmptyParts).size(), 1 + 35 * 4);
    QCOMPARE(QDir(out).entryList(QDir::Files | QDir::Hidden).size(), 2);
}

void TestAnalyzeVerb::badInputIsRefused_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("exitCode");
    QTest::newRow("no model") << QStringList{} << 2;
    QTest::newRow("nothing there") << QStringList{"/nowhere/at/all"} << 3;
    QTest::newRow("no layer matches") << QStringList{demo(), "--layer", "nothing"} << 3;
    QTest::newRow("only skipped layers match") << QStringList{demo(), "--layer", "lm_head"} << 3;
    QTest::newRow("unknown scale") << QStringList{demo(), "--scale", "column"} << 2;
    QTest::newRow("broken rules") << QStringList{demo(), "--layers", "[{]"} << 3;
    QTest::newRow("unknown key in a rule")
        << QStringList{demo(), "--layers", R"([{"match": "*", "bits": 2}])"} << 3;
    QTest::newRow("folder that cannot be made") << QStringList{demo(), "--out", "/proc/nowhere/report"} << 3;
}

void TestAnalyzeVerb::badInputIsRefused() {
    QFETCH(QStringList, arguments);
    QFETCH(int, exitCode);
    const auto result = tests::fairy2(QStringList{"analyze"} + arguments + QStringList{"--json"});
    QCOMPARE(result.exitCode, exitCode);
    QVERIFY(!result.json().at("error").at("message").get<std::string>().empty());
}

QTEST_APPLESS_MAIN(TestAnalyzeVerb)
#include "tst_analyze.moc"
