// SPDX-License-Identifier: Apache-2.0
#include "models/checkpointsmodel.h"
#include "models/configdiffmodel.h"
#include "models/configtreemodel.h"
#include "models/evaluationsmodel.h"
#include "models/numbertext.h"
#include "models/qualitymodel.h"
#include "models/roles.h"
#include "testdata.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>
#include <limits>

using namespace fairy2;
using namespace fairy2::itemmodels;

class TestTableModels : public QObject {
    Q_OBJECT
private slots:
    void numbersReadWell_data();
    void numbersReadWell();
    void configTreeShowsValueSourceAndHelp();
    void configTreeKeepsRowsWhenOnlyValuesChange();
    void editingAValueAsksForAnOverride();
    void configDifferencesComeFirst();
    void placesOfRunsAreNoDifference();
    void checkpointsKeepTheirVerdicts();
    void evaluationSurvivesTheRegistry();
    void qualityTableHasAColumnForEachTokenSet();
    void ofRepeatedEvaluationsTheLatestCounts();
};

namespace {

config::Composition composition() {
    config::Composition result;
    result.tree = {{"training", {{"max_steps", 100}, {"schedule", "cosine"}, {"betas", {0.9, 0.95}}}},
                   {"model", {{"path", "demo"}}}};
    result.sources = {{"training.max_steps", "override"},
                      {"training.schedule", "configs/training/fairy2_w2.yaml:7"},
                      {"training.betas", "default"},
                      {"model.path", "configs/model/demo.yaml:1"}};
    return result;
}

Evaluation evaluation(const std::string& hash, const std::string& key, double loss, double wallTime) {
    Evaluation result;
    result.contentHash = hash;
    result.label = "checkpoint " + hash;
    result.path = "/models/" + hash;
    result.mode = EvaluationMode{2};
    result.tokens = "/data/val_tokens.safetensors";
    result.key = key;
    result.wallTime = wallTime;
    result.result.natsPerToken = loss;
    result.result.perplexity = std::exp(loss);
    result.result.standardError = 0.01;
    result.result.tokensScored = 1234;
    result.bitsPerWeight = 2.02;
    result.bytes = 40.9e6;
    return result;
}

QualityModel::Subject subject(const std::string& hash) {
    return {QString::fromStdString(hash), 1, hash, EvaluationMode{2}, {2.02, 40.9e6}};
}

} // namespace

void TestTableModels::numbersReadWell_data() {
    QTest::addColumn<QString>("shown");
    QTest::addColumn<QString>("expected");
    const auto row = [](const char* name, const QString& shown, const char* expected) {
        QTest::newRow(name) << shown << QString::fromUtf8(expected);
    };
    row("loss", fixedText(1.8287), "1.829");
    row("nan", fixedText(std::numeric_limits<double>::quiet_NaN()), "–");
    row("absent", fixedText({}), "–");
    row("negative", fixedText(-0.5, 1), "−0.5");
    row("gain", signedText(0.1284), "+0.128");
    row("loss of loss", signedText(-0.0031), "−0.003");
    row("signed zero", signedText(-0.00001), "0.000");
    row("count", countText(214380), "214\u202f380");
    row("small count", countText(999), "999");
    row("negative count", countText(-1234567), "−1\u202f234\u202f567");
    row("speed", shortCountText(214380.0), "214k");
    row("parameters", shortCountText(31.5e6), "31.5 M");
    row("whole", shortCountText(7.0), "7");
    row("rounds up a prefix", shortCountText(999600.0), "1.00 M");
    row("bytes", bytesText(62.9e6), "62.9 MB");
    row("few bytes", bytesText(512.0), "512 B");
    row("percent", percentText(0.46), "46 %");
    row("seconds", durationText(45.0), "45 s");
    row("minutes", durationText(480.0), "8 min");
    row("hours", durationText(4800.0), "1 h 20 min");
    row("days", durationText(273600.0), "3 d 4 h");
    row("no time", durationText(-1.0), "–");
}

void TestTableModels::numbersReadWell() {
    QFETCH(QString, shown);
    QFETCH(QString, expected);
    QCOMPARE(shown, expected);
}

void TestTableModels::configTreeShowsValueSourceAndHelp() {
    ConfigTreeModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    model.setComposition(composition());
    const auto steps = model.indexOf(QStringLiteral("training.max_steps"));
    QVERIFY(steps.isValid());
    QCOMPARE(steps.data(RawRole).toString(), QStringLiteral("100"));
    QCOMPARE(steps.siblingAtColumn(ConfigTreeModel::Source).data().toString(), QStringLiteral("override"));
    QVERIFY(steps.data(Qt::FontRole).value<QFont>().bold());
    QCOMPARE(steps.parent().data().toString(), QStringLiteral("training"));
    const auto betas = model.indexOf(QStringLiteral("training.betas"));
    QCOMPARE(betas.data().toString(), QStringLiteral("[0.9,0.95]"));
    QVERIFY(!model.indexOf(QStringLiteral("training.none")).isValid());
}

void TestTableModels::configTreeKeepsRowsWhenOnlyValuesChange() {
    ConfigTreeModel model;
    model.setComposition(composition());
    QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
    QSignalSpy changes(&model, &QAbstractItemModel::dataChanged);
    auto changed = composition();
    changed.tree["training"]["max_steps"] = 20;
    model.setComposition(changed);
    QCOMPARE(resets.count(), 0);
    QCOMPARE(changes.count(), 1);
    changed.tree["data"] = {{"tokens", "x"}};
    model.setComposition(changed);
    QCOMPARE(resets.count(), 1);
}

void TestTableModels::editingAValueAsksForAnOverride() {
    ConfigTreeModel model;
    model.setComposition(composition());
    QSignalSpy asked(&model, &ConfigTreeModel::overrideRequested);
    const auto steps = model.indexOf(QStringLiteral("training.max_steps"));
    QVERIFY(steps.flags().testFlag(Qt::ItemIsEditable));
    QVERIFY(!steps.parent().siblingAtColumn(ConfigTreeModel::Value).flags().testFlag(Qt::ItemIsEditable));
    QVERIFY(!model.setData(steps, QStringLiteral("100"), Qt::EditRole));
    QCOMPARE(asked.count(), 0);
    QVERIFY(model.setData(steps, QStringLiteral(" 250 "), Qt::EditRole));
    QCOMPARE(asked.count(), 1);
    QCOMPARE(asked[0][0].toString(), QStringLiteral("training.max_steps"));
    QCOMPARE(asked[0][1].toString(), QStringLiteral("250"));
}

void TestTableModels::configDifferencesComeFirst() {
    ConfigDiffModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    auto other = composition().tree;
    other["training"]["max_steps"] = 20;
    other["training"].erase("schedule");
    model.setSubjects({{QStringLiteral("a"), 0, composition().tree}, {QStringLiteral("b"), 1, other}});
    QCOMPARE(model.keys(), 4);
    QCOMPARE(model.differences(), 2);
    QCOMPARE(model.rowCount(), 2);
    QCOMPARE(model.index(0, 0).data().toString(), QStringLiteral("training.max_steps"));
    QCOMPARE(model.index(0, 1).data().toString(), QStringLiteral("100"));
    QCOMPARE(model.index(0, 2).data().toString(), QStringLiteral("20"));
    QCOMPARE(model.index(0, 2).data(ColorRole).toInt(), 1);
    QCOMPARE(model.index(1, 2).data().toString(), unknownText());
    model.setDifferencesOnly(false);
    QCOMPARE(model.rowCount(), 4);
    QVERIFY(!model.index(3, 1).data(ColorRole).isValid());
    model.setDifferencesOnly(true);
    QCOMPARE(model.rowCount(), 2);
}

void TestTableModels::placesOfRunsAreNoDifference() {
    ConfigDiffModel model;
    auto first = composition().tree;
    auto second = first;
    first["run"] = {{"dir", "/a"}};
    second["run"] = {{"dir", "/b"}};
    model.setSubjects({{QStringLiteral("a"), 0, first}, {QStringLiteral("b"), 1, second}});
    QCOMPARE(model.differences(), 0);
}

void TestTableModels::checkpointsKeepTheirVerdicts() {
    CheckpointsModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    std::vector<CheckpointsModel::Row> rows = {{{500, "/r/step-500", "a"}, 1.903},
                                               {{1000, "/r/step-1000", "b"}, 1.846}};
    model.setRows(rows);
    QCOMPARE(model.index(0, CheckpointsModel::Step).data().toString(), QStringLiteral("step 1\u202f000"));
    model.setCheck("/r/step-500", CheckpointsModel::Check::Damaged,
                   QStringLiteral("model.safetensors differs"));
    QCOMPARE(model.index(1, CheckpointsModel::Verified).data().toString(), QStringLiteral("✗ damaged"));
    rows.push_back({{1500, "/r/step-1500", "c"}, {}});
    model.setRows(rows);
    QCOMPARE(model.rowCount(), 3);
    QCOMPARE(model.index(2, CheckpointsModel::Verified).data(Qt::ToolTipRole).toString(),
             QStringLiteral("model.safetensors differs"));
    QCOMPARE(model.index(0, CheckpointsModel::ValidationLoss).data().toString(), unknownText());
}

void TestTableModels::evaluationSurvivesTheRegistry() {
    const auto before = evaluation("abc", "web", 1.695, 5);
    const auto after = Evaluation::fromRow(before.toRow());
    QVERIFY(after.has_value());
    QCOMPARE(after->contentHash, before.contentHash);
    QVERIFY(after->mode == before.mode);
    QCOMPARE(after->key, before.key);
    QCOMPARE(after->result.natsPerToken, before.result.natsPerToken);
    QCOMPARE(after->result.tokensScored, before.result.tokensScored);
    QCOMPARE(after->bytes, before.bytes);
    auto strange = before.toRow();
    strange.values = base::Json::array();
    QVERIFY(!Evaluation::fromRow(strange));
    strange.kind = "export";
    QVERIFY(!Evaluation::fromRow(strange));
}

void TestTableModels::qualityTableHasAColumnForEachTokenSet() {
    QualityModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    model.setSubjects({subject("a"), subject("b")});
    QCOMPARE(model.columnCount(), 3);
    model.setEvaluations({evaluation("a", "web", 1.7, 1), evaluation("b", "web", 1.8, 1),
                          evaluation("a", "general", 1.6, 1), evaluation("c", "code", 1, 1)});
    QCOMPARE(model.columnCount(), 5);
    QCOMPARE(model.headerData(2, Qt::Horizontal, Qt::DisplayRole).toString(), QStringLiteral("general"));
    QCOMPARE(model.headerData(3, Qt::Horizontal, Qt::DisplayRole).toString(), QStringLiteral("web"));
    QCOMPARE(model.index(1, 2).data().toString(), unknownText());
    QCOMPARE(model.index(0, 3).data().toString(), QStringLiteral("1.700"));
    QVERIFY(model.index(0, 3).data(BestRole).toBool());
    QVERIFY(!model.index(1, 3).data(BestRole).toBool());
    QCOMPARE(model.index(0, 4).data().toString(), QStringLiteral("40.9"));
    QCOMPARE(model.meanLoss(1).value_or(0), 1.8); // "general" was not measured for both
    model.setMetric(QualityModel::Metric::Perplexity);
    QCOMPARE(model.index(0, 3).data().toString(), QStringLiteral("5.474"));
}

void TestTableModels::ofRepeatedEvaluationsTheLatestCounts() {
    QualityModel model;
    model.setEvaluations(
        {evaluation("a", "web", 1.7, 1), evaluation("a", "web", 1.5, 9), evaluation("a", "web", 1.6, 5)});
    model.setSubjects({subject("a")});
    QCOMPARE(model.index(0, 2).data(RawRole).toDouble(), 1.5);
    EvaluationsModel list;
    QAbstractItemModelTester tester(&list, QAbstractItemModelTester::FailureReportingMode::QtTest);
    list.setEvaluations({evaluation("a", "web", 1.7, 1), evaluation("a", "web", 1.5, 9)});
    QCOMPARE(list.index(0, EvaluationsModel::Loss).data().toString(), QStringLiteral("1.5000"));
}

QTEST_GUILESS_MAIN(TestTableModels)
#include "tst_tablemodels.moc"
