// SPDX-License-Identifier: Apache-2.0
#include "models/roles.h"
#include "models/runsmodel.h"
#include "testdata.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

using namespace fairy2;
using namespace fairy2::itemmodels;

class TestRunsModel : public QObject {
    Q_OBJECT
private slots:
    void filterLetsThrough_data();
    void filterLetsThrough();
    void filterRefusesWithASentence_data();
    void filterRefusesWithASentence();
    void pollsArriveAsDifferences();
    void unknownValuesSortLastInBothDirections();
    void archivedRunsAreHiddenUntilAskedFor();
    void tenThousandRunsAreFiltered();
};

namespace {

RunRow makeRun(const std::string& name, double created) {
    RunRow row;
    row.summary.uuid = "uuid-" + name;
    row.summary.created = created;
    row.summary.annotations.name = name;
    row.summary.config = {{"training", {{"stages", 2}, {"scale_granularity", "row"}}},
                          {"model", {{"path", "models/smollm2-mini"}}}};
    return row;
}

std::vector<RunRow> threeRuns() {
    auto distilled = makeRun("W2 distilled", 30);
    distilled.summary.state = runs::RunState::Running;
    distilled.summary.annotations.tags = {"mini", "Paper"};
    distilled.summary.step = 460;
    distilled.summary.maxSteps = 1000;
    distilled.validationLoss = 1.829;
    distilled.tokensPerSecond = 214380;
    distilled.bitsPerWeight = 2.14;
    auto official = makeRun("W1 official", 20);
    official.summary.state = runs::RunState::Finished;
    official.summary.annotations.notes = "first | good one";
    official.summary.config["training"] = {{"stages", 1}, {"scale_granularity", "tensor"}};
    official.validationLoss = 2.162;
    auto failed = makeRun("broken", 10);
    failed.summary.state = runs::RunState::Failed;
    failed.summary.annotations.archived = true;
    return {distilled, official, failed};
}

QStringList names(const QAbstractItemModel& model) {
    QStringList all;
    for (int row = 0; row < model.rowCount(); ++row)
        all << model.index(row, RunsModel::Name).data().toString();
    return all;
}

} // namespace

void TestRunsModel::filterLetsThrough_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("expected"); // W2 distilled = d, W1 official = o, broken = b
    const auto row = [](const char* text, const char* expected) {
        QTest::newRow(text) << QString::fromUtf8(text) << QString::fromUtf8(expected);
    };
    row("", "dob");
    row("official", "o");
    row("OFFICIAL", "o");
    row("tag:mini", "d");
    row("tag:paper", "d");
    row("tag:min", "");
    row("tag:p*", "d");
    row("NOT tag:mini", "ob");
    row("state:failed", "b");
    row("state!=failed", "do");
    row("note:\"good one\"", "o");
    row("model:mini", "dob");
    row("cfg.training.stages>=1", "dob");
    row("cfg.stages>1", "db");
    row("cfg.stages=1", "o");
    row("cfg.scale_granularity:row", "db");
    row("cfg.scale_granularity!=row", "o");
    row("cfg.nothing=1", "");
    row("val_loss<2", "d");
    row("val_loss>=2 OR state:failed", "ob");
    row("bits<=2.14", "d");
    row("speed>2e5", "d");
    row("progress>=46", "d");
    row("W2 AND distilled", "d");
    row("W2 official", "");
    row("(tag:mini OR state:failed) AND NOT broken", "d");
    row("NOT (tag:mini OR state:failed)", "o");
    row("NOT NOT tag:mini", "d");
    row("\"AND\"", "");
    row("tag:mini OR state:failed AND note:nothing", "d");
}

void TestRunsModel::filterLetsThrough() {
    QFETCH(QString, text);
    QFETCH(QString, expected);
    const auto filter = RunFilter::parse(text.toStdString());
    FAIRY2_OK(filter);
    const auto rows = threeRuns();
    QString passed;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (filter->accepts(rows[i])) passed += QStringLiteral("dob")[static_cast<qsizetype>(i)];
    QCOMPARE(passed, expected);
}

void TestRunsModel::filterRefusesWithASentence_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("unknown key") << QByteArray("colour:red") << QByteArray("there is no key 'colour'");
    QTest::newRow("no value") << QByteArray("tag:") << QByteArray("'tag:' lacks a value");
    QTest::newRow("text for number") << QByteArray("val_loss<low") << QByteArray("compared with a number");
    QTest::newRow("order of text") << QByteArray("tag<x") << QByteArray("'<' does not compare");
    QTest::newRow("open") << QByteArray("(a OR b") << QByteArray("not closed");
    QTest::newRow("close") << QByteArray("a)") << QByteArray("no opening");
    QTest::newRow("quote") << QByteArray("\"a") << QByteArray("quotation mark");
    QTest::newRow("breaks off") << QByteArray("a AND") << QByteArray("breaks off");
    QTest::newRow("only OR") << QByteArray("OR") << QByteArray("breaks off");
    QTest::newRow("deep") << QByteArray(1000, '(') << QByteArray("too deeply");
    QTest::newRow("long") << QByteArray("a ").repeated(100000) << QByteArray("longer than");
}

void TestRunsModel::filterRefusesWithASentence() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, says);
    const auto filter =
        RunFilter::parse(std::string_view(text.data(), static_cast<std::size_t>(text.size())));
    QVERIFY(!filter);
    QCOMPARE(filter.error().code, base::ErrorCode::BadInput);
    QVERIFY2(QByteArray::fromStdString(filter.error().message).contains(says),
             filter.error().message.c_str());
}

void TestRunsModel::pollsArriveAsDifferences() {
    RunsModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
    QSignalSpy inserts(&model, &QAbstractItemModel::rowsInserted);
    QSignalSpy removals(&model, &QAbstractItemModel::rowsRemoved);
    QSignalSpy changes(&model, &QAbstractItemModel::dataChanged);

    auto rows = threeRuns();
    model.setRows(rows);
    QCOMPARE(model.rowCount(), 3);
    QCOMPARE(inserts.count(), 1);
    QPersistentModelIndex official = model.index(1, RunsModel::Name);

    model.setRows(rows);
    QCOMPARE(changes.count(), 0);

    rows[0].summary.step = 470;
    model.setRows(rows);
    QCOMPARE(changes.count(), 1);

    rows.insert(rows.begin(), makeRun("newest", 40));
    rows.pop_back();
    model.setRows(rows);
    QCOMPARE(removals.count(), 1);
    QCOMPARE(names(model), QStringList({QStringLiteral("newest"), QStringLiteral("W2 distilled"),
                                        QStringLiteral("W1 official")}));
    QCOMPARE(official.row(), 2);
    QCOMPARE(resets.count(), 0);

    model.setFigure(RunsModel::Figure::Best);
    model.setRows({});
    QCOMPARE(model.rowCount(), 0);
}

void TestRunsModel::unknownValuesSortLastInBothDirections() {
    RunsModel model;
    RunsFilterModel sorted;
    QAbstractItemModelTester tester(&sorted, QAbstractItemModelTester::FailureReportingMode::QtTest);
    sorted.setRuns(&model);
    sorted.setShowArchived(true);
    model.setRows(threeRuns());
    sorted.sort(RunsModel::ValidationLoss, Qt::AscendingOrder);
    QCOMPARE(names(sorted).constFirst(), QStringLiteral("W2 distilled"));
    QCOMPARE(names(sorted).constLast(), QStringLiteral("broken"));
    sorted.sort(RunsModel::ValidationLoss, Qt::DescendingOrder);
    QCOMPARE(names(sorted).constFirst(), QStringLiteral("W1 official"));
    QCOMPARE(names(sorted).constLast(), QStringLiteral("broken"));
}

void TestRunsModel::archivedRunsAreHiddenUntilAskedFor() {
    RunsModel model;
    RunsFilterModel shown;
    shown.setRuns(&model);
    model.setRows(threeRuns());
    QCOMPARE(shown.rowCount(), 2);
    shown.setShowArchived(true);
    QCOMPARE(shown.rowCount(), 3);
    shown.setFilter(RunFilter::parse("state:failed").value());
    QCOMPARE(names(shown), QStringList(QStringLiteral("broken")));
}

void TestRunsModel::tenThousandRunsAreFiltered() {
    std::vector<RunRow> rows;
    for (int i = 0; i < 10000; ++i)
        rows.push_back(makeRun("run " + std::to_string(i), 1e6 - i));
    RunsModel model;
    RunsFilterModel shown;
    shown.setRuns(&model);
    model.setRows(std::move(rows));
    QCOMPARE(shown.rowCount(), 10000);
    shown.setFilter(RunFilter::parse("name:99 AND cfg.stages>=1").value());
    int expected = 0;
    for (int i = 0; i < 10000; ++i)
        expected += std::to_string(i).find("99") != std::string::npos ? 1 : 0;
    QCOMPARE(shown.rowCount(), expected);
}

QTEST_MAIN(TestRunsModel)
#include "tst_runsmodel.moc"
