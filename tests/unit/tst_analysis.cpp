// SPDX-License-Identifier: Apache-2.0
#include "matrices.h"
#include "quant/analysis.h"
#include "quant/phase.h"
#include "testdata.h"

#include <limits>
#include <numeric>

using namespace fairy2;
using quant::LayerRecipe;
using quant::ScaleGranularity;

class TestAnalysis : public QObject {
    Q_OBJECT
private slots:
    void figuresEqualTheEntryByEntrySum_data();
    void figuresEqualTheEntryByEntrySum();
    void goldenMatrix();
    void sameFiguresForAnyThreadCount();
    void nonFiniteIsReportedNotRefused();
    void zeroMatrixHasNoNaN();
    void densityCountsEveryEntryOnce_data();
    void densityCountsEveryEntryOnce();
    void densityFindsEntriesWhereTheyAre();
    void extentHoldsAlmostAllMagnitudes();
    void residualPlaneIsThatOfTheStage();
    void badRequestsAreRefused();
};

namespace {

// The same statistics in double from the reference codes: slow and plain.
struct Expected {
    std::vector<double> residual; ///< after each stage, relative
    std::vector<std::array<std::int64_t, 4>> uCounts;
    std::vector<double> uBoundary;
    std::vector<double> rowError;
    double uShare = 0;
};

Expected expectedOf(const tests::Matrix& a, const quant::QuantizedMatrix& q) {
    const auto n = a.rows / 2;
    const auto m = a.cols / 2;
    const auto stages = q.stages.size();
    Expected e{std::vector<double>(stages), std::vector<std::array<std::int64_t, 4>>(stages),
               std::vector<double>(stages), std::vector<double>(static_cast<std::size_t>(n)), 0};
    double energy = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        double rowEnergy = 0;
        double rowLeft = 0;
        for (std::int64_t j = 0; j < m; ++j) {
            const auto entry = quant::widelyLinearAt(a.view(), i, j);
            const auto g = static_cast<std::size_t>(quant::scaleGroupOf(q.scale, m, i, j));
            for (const bool w : {false, true}) {
                double re = w ? entry.wRe : entry.uRe;
                double im = w ? entry.wIm : entry.uIm;
                rowEnergy += re * re + im * im;
                if (!w) e.uShare += re * re + im * im;
                for (std::size_t t = 0; t < stages; ++t) {
                    const auto& stage = w ? q.stages[t].w : q.stages[t].u;
                    const auto code = stage.codes[static_cast<std::size_t>(i * m + j)];
                    const auto phase = static_cast<quant::Phase>(code);
                    if (!w) {
                        ++e.uCounts[t][code];
                        const double angle = std::fmod(std::abs(std::atan2(im, re)), M_PI / 2);
                        e.uBoundary[t] += std::abs(angle - M_PI / 4) / static_cast<double>(n * m);
                    }
                    if (quant::onRealAxis(phase))
                        re -= quant::signOf(phase) * static_cast<double>(stage.sRe[g]);
                    else
                        im -= quant::signOf(phase) * static_cast<double>(stage.sIm[g]);
                    e.residual[t] += re * re + im * im;
                }
                rowLeft += re * re + im * im;
            }
        }
        energy += rowEnergy;
        e.rowError[static_cast<std::size_t>(i)] = rowLeft / rowEnergy;
    }
    for (auto& each : e.residual)
        each /= energy;
    e.uShare /= energy;
    return e;
}

bool near(double value, double expected, double relative = 1e-6) {
    return std::abs(value - expected) <= relative * std::abs(expected);
}

} // namespace

void TestAnalysis::figuresEqualTheEntryByEntrySum_data() {
    QTest::addColumn<int>("n");
    QTest::addColumn<int>("m");
    QTest::addColumn<int>("stages");
    QTest::addColumn<int>("scale");
    for (const auto scale : {ScaleGranularity::Tensor, ScaleGranularity::Row, ScaleGranularity::Tile64}) {
        // Rows of three entries leave nothing but rounding after two stages.
        for (const int m : {3, 17, 127, 1023})
            QTest::addRow("70x%d %s", m, quant::name(scale))
                << 70 << m << (m == 3 ? 2 : m % 5 + 1) << static_cast<int>(scale);
        QTest::addRow("500x300 %s", quant::name(scale)) << 500 << 300 << 2 << static_cast<int>(scale);
    }
}

void TestAnalysis::figuresEqualTheEntryByEntrySum() {
    QFETCH(int, n);
    QFETCH(int, m);
    QFETCH(int, stages);
    QFETCH(int, scale);
    const auto a = tests::randomMatrix(2 * n, 2 * m, "gauss");
    const LayerRecipe how{stages, static_cast<ScaleGranularity>(scale), false};
    const auto report = quant::analyze("layer", a.view(), how);
    FAIRY2_OK(report);
    // Codes of the fast path: where a double and a float disagree about a tie, the counts do too.
    const auto q = quant::quantize(a.view(), how).value();
    const auto expected = expectedOf(a, q);
    QCOMPARE(report->stages.size(), q.stages.size());
    for (std::size_t t = 0; t < q.stages.size(); ++t) {
        const auto& stage = report->stages[t];
        QVERIFY(near(stage.residualEnergy, expected.residual[t]));
        QVERIFY(stage.u.counts == expected.uCounts[t]);
        QCOMPARE(std::accumulate(stage.w.counts.begin(), stage.w.counts.end(), std::int64_t{0}),
                 std::int64_t{n} * m);
        QVERIFY(near(stage.u.boundaryDistance, expected.uBoundary[t]));
        QVERIFY(stage.u.entropyBits > 1.5 && stage.u.entropyBits <= 2);
        const auto& scales = q.stages[t].u.sRe;
        const double mean =
            std::accumulate(scales.begin(), scales.end(), 0.0) / static_cast<double>(scales.size());
        QVERIFY(near(stage.u.sRe, mean));
    }
    QVERIFY(near(report->uEnergyShare, expected.uShare));
    QCOMPARE(report->relativeError, report->stages.back().residualEnergy);
    QVERIFY(near(report->sqnrDb, -10 * std::log10(report->relativeError)));
    QCOMPARE(report->rowSqnrDb.size(), static_cast<std::size_t>(n));
    for (std::size_t row = 0; row < expected.rowError.size(); ++row)
        QVERIFY(near(static_cast<double>(report->rowSqnrDb[row]), -10 * std::log10(expected.rowError[row])));
}

void TestAnalysis::goldenMatrix() {
    const tests::Matrix a{2, 2, {3, -1, 2, 1}};
    const auto one = quant::analyze("g", a.view(), {1, ScaleGranularity::Tensor, false}).value();
    // ‖A‖² = 15; A − A_q = [[0, −1], [2, 0]].
    QVERIFY(near(one.relativeError, 5.0 / 15, 1e-12));
    QCOMPARE(one.stages[0].u.counts, (std::array<std::int64_t, 4>{1, 0, 0, 0}));
    QCOMPARE(one.stages[0].u.entropyBits, 0.0);
    const auto two = quant::analyze("g", a.view(), {2, ScaleGranularity::Tensor, false}).value();
    QCOMPARE(two.relativeError, 0.0);
    QVERIFY(std::isinf(two.sqnrDb));
    QVERIFY(two.toJson().at("sqnr_db").is_null());
    QCOMPARE(two.toJson().at("stages").at(1).at("U").at("s_im").get<double>(), 1.5);
}

void TestAnalysis::sameFiguresForAnyThreadCount() {
    const auto a = tests::randomMatrix(512, 640, "student");
    for (const auto scale : {ScaleGranularity::Tensor, ScaleGranularity::Tile64}) {
        const LayerRecipe how{3, scale, false};
        const auto one = quant::analyze("a", a.view(), how, 1).value();
        for (int threads = 2; threads <= 4; ++threads) {
            const auto other = quant::analyze("a", a.view(), how, threads).value();
            QVERIFY(other.toJson() == one.toJson());
            QVERIFY(other.rowSqnrDb == one.rowSqnrDb);
        }
    }
}

void TestAnalysis::nonFiniteIsReportedNotRefused() {
    auto a = tests::randomMatrix(20, 20, "gauss");
    a.values[3] = std::numeric_limits<float>::quiet_NaN();
    a.values[9] = std::numeric_limits<float>::infinity();
    const auto report = quant::analyze("a", a.view(), {2, ScaleGranularity::Tensor, false});
    FAIRY2_OK(report);
    QCOMPARE(report->nonFinite, 2);
    QCOMPARE(report->relativeError, 0.0);
    QVERIFY(report->stages.empty());
    QVERIFY(!quant::phasePlane(a.view(), {2, ScaleGranularity::Tensor, false}, 0, 16));
}

void TestAnalysis::zeroMatrixHasNoNaN() {
    const tests::Matrix zero{4, 6, std::vector<float>(24)};
    const auto report = quant::analyze("zero", zero.view(), {2, ScaleGranularity::Row, false}).value();
    QCOMPARE(report.stages[0].u.counts, (std::array<std::int64_t, 4>{6, 0, 0, 0}));
    QCOMPARE(report.stages[0].u.boundaryDistance, M_PI / 4);
    QCOMPARE(report.relativeError, 0.0);
    const auto plane = quant::phasePlane(zero.view(), {1, ScaleGranularity::Row, false}, 0, 3);
    FAIRY2_OK(plane);
    QCOMPARE(plane->u.counts[4], 6U);
}

void TestAnalysis::densityCountsEveryEntryOnce_data() {
    QTest::addColumn<int>("scale");
    QTest::addColumn<int>("stage");
    for (const auto scale : {ScaleGranularity::Tensor, ScaleGranularity::Row, ScaleGranularity::Tile64})
        for (int stage = 0; stage <= 2; ++stage)
            QTest::addRow("%s stage %d", quant::name(scale), stage) << static_cast<int>(scale) << stage;
}

void TestAnalysis::densityCountsEveryEntryOnce() {
    QFETCH(int, scale);
    QFETCH(int, stage);
    const auto a = tests::randomMatrix(140, 2 * 131, "student");
    const auto plane =
        quant::phasePlane(a.view(), {2, static_cast<ScaleGranularity>(scale), false}, stage, 64);
    FAIRY2_OK(plane);
    for (const auto* density : {&plane->u, &plane->w}) {
        QCOMPARE(density->counts.size(), std::size_t{64} * 64);
        QCOMPARE(std::accumulate(density->counts.begin(), density->counts.end(), std::uint64_t{0}),
                 std::uint64_t{70} * 131);
        const double shares = std::accumulate(density->share.begin(), density->share.end(), 0.0);
        QVERIFY(stage == 2 ? shares == 0 && density->sRe == 0 : near(shares, 1) && density->sRe > 0);
    }
}

void TestAnalysis::densityFindsEntriesWhereTheyAre() {
    // U = 2 + 1.5i in the window ±2, four bins an axis: Re in the last column, Im 1.5 in the last row.
    const tests::Matrix a{2, 2, {3, -1, 2, 1}};
    const auto plane = quant::phasePlane(a.view(), {1, ScaleGranularity::Tensor, false}, 0, 4, 2).value();
    QCOMPARE(plane.u.counts[3 * 4 + 3], 1U);
    // W = 1 + 0.5i: column 3 (1..2), row 2 (0..1).
    QCOMPARE(plane.w.counts[2 * 4 + 3], 1U);
    QCOMPARE(plane.u.sRe, 2.0);
    QCOMPARE(plane.u.extent, 2.0);
}

void TestAnalysis::extentHoldsAlmostAllMagnitudes() {
    const auto a = tests::randomMatrix(512, 512, "gauss");
    const auto plane = quant::phasePlane(a.view(), {1, ScaleGranularity::Tensor, false}, 0, 8).value();
    const auto form = quant::toWidelyLinear(a.view()).value();
    std::int64_t inside = 0;
    for (const auto* values : {&form.u.re, &form.u.im, &form.w.re, &form.w.im})
        for (const float value : *values)
            inside += std::abs(static_cast<double>(value)) <= plane.u.extent ? 1 : 0;
    QVERIFY(std::abs(static_cast<double>(inside) / (512 * 512) - 0.999) < 1e-4);
    QCOMPARE(plane.u.extent, plane.w.extent);
}

void TestAnalysis::residualPlaneIsThatOfTheStage() {
    const auto a = tests::randomMatrix(128, 256, "gauss");
    const LayerRecipe how{2, ScaleGranularity::Tile64, false};
    const auto one = quant::fakeQuantize(a.view(), {1, ScaleGranularity::Tile64, false}).value();
    tests::Matrix rest = a;
    for (std::size_t i = 0; i < one.size(); ++i)
        rest.values[i] -= one[i];
    const auto direct = quant::phasePlane(rest.view(), {1, ScaleGranularity::Tile64, false}, 0, 1, 1).value();
    const auto staged = quant::phasePlane(a.view(), how, 1, 1, 1).value();
    QVERIFY(near(staged.u.sRe, direct.u.sRe, 1e-5));
    QVERIFY(near(staged.w.sIm, direct.w.sIm, 1e-5));
}

void TestAnalysis::badRequestsAreRefused() {
    const auto a = tests::randomMatrix(8, 8, "gauss");
    const auto odd = tests::randomMatrix(7, 8, "gauss");
    const LayerRecipe how{2, ScaleGranularity::Tensor, false};
    QVERIFY(!quant::analyze("a", odd.view(), how));
    QVERIFY(!quant::analyze("a", a.view(), {0, ScaleGranularity::Tensor, false}));
    QVERIFY(!quant::phasePlane(odd.view(), how, 0, 8));
    QCOMPARE(quant::phasePlane(a.view(), how, 3, 8).error().field, std::string("stage"));
    QCOMPARE(quant::phasePlane(a.view(), how, -1, 8).error().field, std::string("stage"));
    QCOMPARE(quant::phasePlane(a.view(), how, 0, 0).error().field, std::string("bins"));
}

QTEST_APPLESS_MAIN(TestAnalysis)
#include "tst_analysis.moc"
