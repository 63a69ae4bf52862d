// SPDX-License-Identifier: Apache-2.0
#include "models/candidatesmodel.h"
#include "models/checkpointsmodel.h"
#include "models/configdiffmodel.h"
#include "models/configtreemodel.h"
#include "models/evaluationsmodel.h"
#include "models/layergrid.h"
#include "models/metricseries.h"
#include "models/overridelist.h"
#include "models/qualitymodel.h"
#include "models/roles.h"
#include "shell/colors.h"
#include "testdata.h"

#include <QAbstractItemModelTester>
#include <QFont>
#include <QProcess>
#include <QSignalSpy>

using namespace Qt::StringLiterals;
using namespace fairy2;
using namespace fairy2::itemmodels;

class TestTableModels : public QObject {
    Q_OBJECT
private slots:
    void overridesSurviveTheShell_data();
    void overridesSurviveTheShell();
    void overridesAreReplacedInPlace();
    void configTreeShowsValueSourceAndHelp();
    void configTreeKeepsRowsWhenOnlyValuesChange();
    void editingAValueAsksForAnOverride();
    void configDifferencesComeFirst();
    void placesOfRunsAreNoDifference();
    void checkpointsKeepTheirVerdicts();
    void evaluationSurvivesTheRegistry();
    void qualityTableHasAColumnForEachTokenSet();
    void ofRepeatedEvaluationsTheLatestCounts();
    void curvesLieAlongStepsTokensAndTime();
    void layersKnowTheirPlace();
    void checkedCandidatesStayChecked();
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

void TestTableModels::overridesSurviveTheShell_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QStringList>("words");
    const auto row = [](const char* name, const char* text, const QStringList& words) {
        QTest::newRow(name) << QString::fromUtf8(text) << words;
    };
    row("lines", "a=1\nb=2\r\n\n", {u"a=1"_s, u"b=2"_s});
    row("blanks", "training=fairy2_w1  a.b=1e-3", {u"training=fairy2_w1"_s, u"a.b=1e-3"_s});
    row("double quotes", "run.name=\"two words\"", {u"run.name=two words"_s});
    row("single quotes", "'a=[1, 2]'", {u"a=[1, 2]"_s});
    row("quotes inside", "\"a='b c'\"", {u"a='b c'"_s});
    row("backslash", "a=b\\ c", {u"a=b c"_s});
    row("empty value", "a=''", {u"a="_s});
    row("delete", "~a.b +c=1 ++d=2", {u"~a.b"_s, u"+c=1"_s, u"++d=2"_s});
    row("umlaut", "run.name=größe", {u"run.name=größe"_s});
    row("dollar", "a='$HOME `ls`'", {u"a=$HOME `ls`"_s});
}

void TestTableModels::overridesSurviveTheShell() {
    QFETCH(QString, text);
    QFETCH(QStringList, words);
    const auto list = OverrideList::parse(text);
    FAIRY2_OK(list);
    QStringList got;
    for (const auto& word : list->words())
        got << QString::fromStdString(word);
    QCOMPARE(got, words);
    const auto again = OverrideList::parse(list->text());
    FAIRY2_OK(again);
    QVERIFY(again->words() == list->words());

    // The real shell must read the command the same way.
    QProcess shell;
    shell.start(u"/bin/sh"_s, {u"-c"_s, u"f() { shift; printf '%s\\n' \"$@\"; }; "_s +
                                            list->command().replace(u"fairy2 "_s, u"f "_s)});
    QVERIFY(shell.waitForFinished());
    QCOMPARE(QString::fromUtf8(shell.readAllStandardOutput()), words.join(u'\n') + u'\n');
}

void TestTableModels::overridesAreReplacedInPlace() {
    auto list = OverrideList::parse(u"training=fairy2_w1 ++data.tokens=a run.name=x"_s).value();
    list.set("data.tokens", "b");
    list.set("training.max_steps", "20");
    list.remove("run.name");
    QCOMPARE(list.text(), u"training=fairy2_w1\n++data.tokens=b\ntraining.max_steps=20"_s);
    QCOMPARE(list.value("training").value_or(""), std::string("fairy2_w1"));
    QVERIFY(!list.value("training.stages"));
    const auto open = OverrideList::parse(u"a='b"_s);
    QVERIFY(!open);
    QCOMPARE(open.error().field, std::string("a"));
    QCOMPARE(overrideValue("/models/demo"), std::string("/models/demo"));
    QCOMPARE(overrideValue("it's a=b"), std::string("'it\\'s a=b'"));
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
    QCOMPARE(model.index(0, 2).data(Qt::ForegroundRole).value<QColor>(), shell::runColor(1));
    QCOMPARE(model.index(1, 2).data().toString(), u"–"_s);
    model.setDifferencesOnly(false);
    QCOMPARE(model.rowCount(), 4);
    QVERIFY(!model.index(3, 1).data(Qt::ForegroundRole).isValid());
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
    QCOMPARE(model.index(0, CheckpointsModel::Step).data().toString(), QStringLiteral("step 1\u2009000"));
    model.setCheck("/r/step-500", CheckpointsModel::Check::Damaged,
                   QStringLiteral("model.safetensors differs"));
    QCOMPARE(model.index(1, CheckpointsModel::Verified).data().toString(), QStringLiteral("✗ damaged"));
    rows.push_back({{1500, "/r/step-1500", "c"}, {}});
    model.setRows(rows);
    QCOMPARE(model.rowCount(), 3);
    QCOMPARE(model.index(2, CheckpointsModel::Verified).data(Qt::ToolTipRole).toString(),
             QStringLiteral("model.safetensors differs"));
    QCOMPARE(model.index(0, CheckpointsModel::ValidationLoss).data().toString(), u"–"_s);
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
    QCOMPARE(model.index(1, 2).data().toString(), u"–"_s);
    QCOMPARE(model.index(0, 3).data().toString(), QStringLiteral("1.700"));
    QVERIFY(model.index(0, 3).data(Qt::FontRole).value<QFont>().bold());
    QVERIFY(!model.index(1, 3).data(Qt::FontRole).isValid());
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

void TestTableModels::curvesLieAlongStepsTokensAndTime() {
    RunMetrics metrics;
    // 100 tokens a step: 2 s for each of the first two steps, then 1 s for each.
    metrics.byTag[tags::kSpeed] = {{1, 2, 3, 4}, {50, 50, 100, 100}};
    const MetricSeries loss{{0, 2, 3, 10}, {4, 3, 2, 1}};
    using Points = std::vector<double>;
    QVERIFY(metrics.along(loss, Progress::Steps, 100) == Points({0, 2, 3, 10}));
    QVERIFY(metrics.along(loss, Progress::Tokens, 100) == Points({0, 200, 300, 1000}));
    QVERIFY(metrics.along(loss, Progress::Time, 100) == Points({0, 4, 5, 6}));
    QVERIFY(RunMetrics().along(loss, Progress::Time, 100) == Points({0, 0, 0, 0}));
    QVERIFY(metrics.find("loss") == nullptr);
}

void TestTableModels::layersKnowTheirPlace() {
    const auto place = placeOf("model.layers.12.self_attn.q_proj");
    QVERIFY(place.has_value());
    QCOMPARE(place->block, 12);
    QCOMPARE(place->projection, u"q"_s);
    QVERIFY(!placeOf("lm_head"));
    QVERIFY(!placeOf("model.layers.x.mlp.up_proj"));
    QVERIFY(!placeOf("model.layers"));
}

void TestTableModels::checkedCandidatesStayChecked() {
    CandidatesModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    QSignalSpy changes(&model, &CandidatesModel::checkedChanged);
    const Candidate first{u"/a"_s, u"a"_s, {}, -1, {}, {}};
    const Candidate second{u"/b"_s, u"b"_s, {}, 2, "run", {}};
    model.setCandidates({first, second});
    QVERIFY(model.setData(model.index(1, 0), Qt::Checked, Qt::CheckStateRole));
    QCOMPARE(changes.count(), 1);
    model.setCandidates({second});
    QCOMPARE(changes.count(), 1);
    QVERIFY(model.checked() == std::vector<Candidate>{second});
    model.setCandidates({first});
    QCOMPARE(changes.count(), 2);
    QVERIFY(model.checked().empty());
}

QTEST_MAIN(TestTableModels)
#include "tst_tablemodels.moc"
