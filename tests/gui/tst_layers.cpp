// SPDX-License-Identifier: Apache-2.0
#include "guiapp.h"
#include "models/layersmodel.h"
#include "models/roles.h"
#include "models/stagesmodel.h"

#include <QAbstractItemModelTester>

#include <cmath>

using namespace fairy2;
using namespace fairy2::itemmodels;
using namespace Qt::StringLiterals;

namespace {

std::vector<models::LinearInfo> threeLayers() {
    return {{"model.layers.0.self_attn.q_proj", 64, 64, true, {}},
            {"model.layers.0.mlp.up_proj", 172, 64, true, {}},
            {"model.layers.1.mlp.up_proj", 173, 64, false, "odd number of rows: 173"}};
}

quant::LayerReport report(double after1, double after2) {
    quant::LayerReport r;
    r.stages.resize(2);
    r.stages[0].residualEnergy = after1;
    r.stages[1].residualEnergy = after2;
    return r;
}

QString text(const QAbstractItemModel& model, int row, int column) {
    return model.index(row, column).data().toString();
}

QStringList names(const QAbstractItemModel& model) {
    QStringList all;
    for (int row = 0; row < model.rowCount(); ++row)
        all.append(text(model, row, LayersModel::Name));
    return all;
}

} // namespace

class TestLayers : public QObject {
    Q_OBJECT
private slots:
    void theModelHoldsToItsContractWhileReportsStreamIn() {
        LayersModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        LayersFilter filter;
        filter.setSourceModel(&model);
        QAbstractItemModelTester filterTester(&filter,
                                              QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setLayers(threeLayers());
        model.setReport(0, report(0.4, 0.1));
        model.setReport(99, report(0.4, 0.1));
        filter.setPattern(u"mlp"_s);
        model.setReport(1, report(0.5, 0.2));
        model.setCosts(1, {LayerCost{0.3, 0.2}, std::nullopt, std::nullopt});
        model.setCosts(1, {});
        model.setLayers({});
        QCOMPARE(model.rowCount(), 0);
    }

    void sqnrIsTheEnergyLeftInDecibels() {
        LayersModel model;
        model.setLayers(threeLayers());
        QVERIFY(std::isnan(model.sqnr(0, 1)));
        QCOMPARE(text(model, 0, LayersModel::SqnrW1), u"–"_s);
        model.setReport(0, report(0.1, 0.01));
        QCOMPARE(text(model, 0, LayersModel::SqnrW1), u"10.00"_s);
        QCOMPARE(text(model, 0, LayersModel::SqnrW2), u"20.00"_s);
    }

    void namesAndBlocksReadAsTheTablesShowThem() {
        QCOMPARE(LayersModel::shortName("model.layers.3.mlp.up_proj"), u"layers.3.mlp.up_proj"_s);
        QCOMPARE(LayersModel::blockOf("model.layers.13.mlp.up_proj"), 13);
        QCOMPARE(LayersModel::blockOf("lm_head"), -1);
        QCOMPARE(LayersModel::blockOf("model.layers."), -1);
    }

    void theWorstLayerIsTheHottestByLossAndElseBySqnr() {
        LayersModel model;
        model.setLayers(threeLayers());
        model.setReport(0, report(0.4, 0.1));
        model.setReport(1, report(0.2, 0.05));
        const auto heat = [&](int row, int column) { return model.index(row, column).data(HeatRole); };
        QCOMPARE(heat(0, LayersModel::SqnrW1).toDouble(), 1.0);
        QCOMPARE(heat(1, LayersModel::SqnrW1).toDouble(), 0.0);
        QVERIFY(!heat(2, LayersModel::SqnrW1).isValid());
        model.setCosts(1, {LayerCost{0.01, 0}, LayerCost{0.4, 0}, std::nullopt});
        QVERIFY2(!heat(0, LayersModel::SqnrW1).isValid(),
                 "weight error is not what hurts once the loss is known");
        QCOMPARE(heat(1, LayersModel::DeltaLossW1).toDouble(), 1.0);
        QVERIFY(heat(0, LayersModel::DeltaLossW1).toDouble() < 0.2);
        QCOMPARE(text(model, 1, LayersModel::DeltaLossW1), u"+0.400"_s);
    }

    void aLayerThatIsKeptSaysWhy() {
        LayersModel model;
        model.setLayers(threeLayers());
        QVERIFY(model.index(2, 0).data(Qt::ToolTipRole).toString().contains(u"odd number of rows: 173"_s));
    }

    void nonFiniteLayersHaveNoFigures() {
        LayersModel model;
        model.setLayers(threeLayers());
        quant::LayerReport bad;
        bad.nonFinite = 3;
        model.setReport(0, bad);
        QCOMPARE(text(model, 0, LayersModel::SqnrW1), u"–"_s);
        QVERIFY(model.index(0, 0).data(Qt::ToolTipRole).toString().contains(u"3 entries"_s));
    }

    void filtersByGlobAndByPart_data() {
        QTest::addColumn<QString>("pattern");
        QTest::addColumn<int>("rows");
        QTest::newRow("all") << u""_s << 3;
        QTest::newRow("glob") << u"*.mlp.*"_s << 2;
        QTest::newRow("part") << u"attn"_s << 1;
        QTest::newRow("full name") << u"model.layers.0.*"_s << 2;
        QTest::newRow("nothing") << u"conv"_s << 0;
    }
    void filtersByGlobAndByPart() {
        QFETCH(QString, pattern);
        QFETCH(int, rows);
        LayersModel model;
        model.setLayers(threeLayers());
        LayersFilter filter;
        filter.setSourceModel(&model);
        filter.setPattern(pattern);
        QCOMPARE(filter.rowCount(), rows);
    }

    void unknownFiguresStandLastInEitherOrder() {
        LayersModel model;
        model.setLayers(threeLayers());
        model.setReport(0, report(0.4, 0.1));
        model.setReport(1, report(0.2, 0.05));
        LayersFilter filter;
        filter.setSourceModel(&model);
        filter.sort(LayersModel::SqnrW1, Qt::AscendingOrder);
        QCOMPARE(names(filter), (QStringList{u"layers.0.self_attn.q_proj"_s, u"layers.0.mlp.up_proj"_s,
                                             u"layers.1.mlp.up_proj"_s}));
        filter.sort(LayersModel::SqnrW1, Qt::DescendingOrder);
        QCOMPARE(names(filter), (QStringList{u"layers.0.mlp.up_proj"_s, u"layers.0.self_attn.q_proj"_s,
                                             u"layers.1.mlp.up_proj"_s}));
    }

    void theStagesTableHasUAndWOfEveryStage() {
        StagesModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        QCOMPARE(model.rowCount(), 0);
        auto r = report(0.38, 0.13);
        r.stages[0].w.sRe = 0.0712345;
        model.setReport(r);
        QCOMPARE(model.rowCount(), 4);
        QCOMPARE(text(model, 1, StagesModel::Matrix), u"W"_s);
        QCOMPARE(text(model, 1, StagesModel::ScaleRe), u"0.07123"_s);
        QCOMPARE(text(model, 0, StagesModel::Energy), u"38.00 %"_s);
        model.setReport(std::nullopt);
        QCOMPARE(model.rowCount(), 0);
    }
};

FAIRY2_GUI_TEST_MAIN(TestLayers)
#include "tst_layers.moc"
