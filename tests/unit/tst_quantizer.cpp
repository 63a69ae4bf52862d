// SPDX-License-Identifier: Apache-2.0
#include "matrices.h"
#include "quant/phase.h"
#include "quant/quantizer.h"
#include "testdata.h"

#include <complex>
#include <hwy/highway.h>
#include <limits>

using namespace fairy2;
using quant::LayerRecipe;
using quant::ScaleGranularity;

class TestQuantizer : public QObject {
    Q_OBJECT
private slots:
    void splitsAndJoinsTheGoldenMatrix();
    void splitAndJoinLoseNothing();
    void complexProductEqualsTheRealOne();
    void realInputSeesOnlyUPlusW();
    void oddDimensionsAreRefused();
    void phaseTies_data();
    void phaseTies();
    void goldenVector();
    void tiesInsideAMatrix();
    void agreesWithTheReference_data();
    void agreesWithTheReference();
    void everyInstructionSetGivesTheSameBits();
    void everyThreadCountGivesTheSameBits_data();
    void everyThreadCountGivesTheSameBits();
    void scalesAreMeansToFp32();
    void oneStageIsIdempotentTwoAreNot();
    void manyStagesApproachTheMatrix();
    void errorTable_data();
    void errorTable();
    void zeroMatrixKeepsTheScaleFloor();
    void hugeAndTinyValuesStayFinite();
    void nonFiniteEntriesAreCounted_data();
    void nonFiniteEntriesAreCounted();
    void stagesOutsideTheRangeAreRefused();
    void worksInPlace();
    void bitsPerWeightCountScales();
};

namespace {

constexpr ScaleGranularity kAll[] = {ScaleGranularity::Tensor, ScaleGranularity::Row,
                                     ScaleGranularity::Tile64};

LayerRecipe recipe(int stages, ScaleGranularity scale = ScaleGranularity::Tensor) {
    return {stages, scale, false};
}

tests::Matrix golden() {
    return {2, 2, {3, -1, 2, 1}};
}

// A code may differ from the reference only where its two parts are equal but for rounding (`noise`); the
// entry is left out from there on.
std::int64_t wrongCodes(const tests::Matrix& a, const quant::QuantizedMatrix& fast,
                        const quant::QuantizedMatrix& exact, bool ofW) {
    const auto n = a.rows / 2;
    const auto m = a.cols / 2;
    std::int64_t wrong = 0;
    for (std::int64_t k = 0; k < n * m; ++k) {
        const auto entry = quant::widelyLinearAt(a.view(), k / m, k % m);
        double re = ofW ? entry.wRe : entry.uRe;
        double im = ofW ? entry.wIm : entry.uIm;
        const double noise = 1e-6 * (std::abs(re) + std::abs(im));
        const auto g = static_cast<std::size_t>(quant::scaleGroupOf(exact.scale, m, k / m, k % m));
        for (std::size_t t = 0; t < exact.stages.size(); ++t) {
            const auto& stage = ofW ? exact.stages[t].w : exact.stages[t].u;
            const auto& other = ofW ? fast.stages[t].w : fast.stages[t].u;
            const auto code = stage.codes[static_cast<std::size_t>(k)];
            if (other.codes[static_cast<std::size_t>(k)] != code) {
                wrong += std::abs(std::abs(re) - std::abs(im)) > noise ? 1 : 0;
                break;
            }
            const auto phase = static_cast<quant::Phase>(code);
            (quant::onRealAxis(phase) ? re : im) -=
                quant::signOf(phase) *
                static_cast<double>(quant::onRealAxis(phase) ? stage.sRe[g] : stage.sIm[g]);
        }
    }
    return wrong;
}

void compareScales(const quant::StageCodes& fast, const quant::StageCodes& exact, float unit) {
    QCOMPARE(fast.sRe.size(), exact.sRe.size());
    for (std::size_t g = 0; g < exact.sRe.size(); ++g) {
        QVERIFY(std::abs(fast.sRe[g] - exact.sRe[g]) <= 2e-7F * exact.sRe[g] + 1e-8F * unit);
        QVERIFY(std::abs(fast.sIm[g] - exact.sIm[g]) <= 2e-7F * exact.sIm[g] + 1e-8F * unit);
    }
}

} // namespace

void TestQuantizer::splitsAndJoinsTheGoldenMatrix() {
    const auto a = golden();
    const auto form = quant::toWidelyLinear(a.view());
    FAIRY2_OK(form);
    QCOMPARE(form->u.re, std::vector<float>{2});
    QCOMPARE(form->u.im, std::vector<float>{1.5F});
    QCOMPARE(form->w.re, std::vector<float>{1});
    QCOMPARE(form->w.im, std::vector<float>{0.5F});
    QCOMPARE(quant::toReal(*form), a.values);
}

void TestQuantizer::splitAndJoinLoseNothing() {
    const auto a = tests::randomMatrix(14, 34, "gauss");
    const auto form = quant::toWidelyLinear(a.view()).value();
    QVERIFY(tests::relativeSquaredError(a.values, quant::toReal(form)) < 1e-14);
    const auto entry = quant::widelyLinearAt(a.view(), 3, 5);
    const auto k = static_cast<std::size_t>(3 * 17 + 5);
    QCOMPARE(form.u.re[k], static_cast<float>(entry.uRe));
    QCOMPARE(form.u.im[k], static_cast<float>(entry.uIm));
    QCOMPARE(form.w.re[k], static_cast<float>(entry.wRe));
    QCOMPARE(form.w.im[k], static_cast<float>(entry.wIm));
}

void TestQuantizer::complexProductEqualsTheRealOne() {
    const std::int64_t n = 5;
    const std::int64_t m = 7;
    const auto a = tests::randomMatrix(2 * n, 2 * m, "gauss");
    const auto x = tests::randomMatrix(1, 2 * m, "gauss", 2).values;
    for (std::int64_t i = 0; i < n; ++i) {
        std::complex<double> y = 0;
        double top = 0;
        double bottom = 0;
        for (std::int64_t j = 0; j < m; ++j) {
            const auto e = quant::widelyLinearAt(a.view(), i, j);
            const std::complex<double> z(x[static_cast<std::size_t>(j)], x[static_cast<std::size_t>(j + m)]);
            y += std::complex(e.uRe, e.uIm) * z + std::complex(e.wRe, e.wIm) * std::conj(z);
        }
        for (std::int64_t j = 0; j < 2 * m; ++j) {
            const double xj = x[static_cast<std::size_t>(j)];
            top += xj * a.values[static_cast<std::size_t>(i * 2 * m + j)];
            bottom += xj * a.values[static_cast<std::size_t>((i + n) * 2 * m + j)];
        }
        QVERIFY(std::abs(y - std::complex(top, bottom)) < 1e-12);
    }
}

void TestQuantizer::realInputSeesOnlyUPlusW() {
    const auto a = tests::randomMatrix(6, 10, "gauss");
    for (std::int64_t i = 0; i < 3; ++i) {
        for (std::int64_t j = 0; j < 5; ++j) {
            const auto e = quant::widelyLinearAt(a.view(), i, j);
            // A real x has no second half, so column j of A is all that acts: U + W.
            QVERIFY(std::abs(e.uRe + e.wRe - a.values[static_cast<std::size_t>(i * 10 + j)]) < 1e-15);
            QVERIFY(std::abs(e.uIm + e.wIm - a.values[static_cast<std::size_t>((i + 3) * 10 + j)]) < 1e-15);
        }
    }
}

void TestQuantizer::oddDimensionsAreRefused() {
    const auto oddRows = tests::randomMatrix(3, 4, "gauss");
    const auto oddCols = tests::randomMatrix(4, 3, "gauss");
    for (const auto* a : {&oddRows, &oddCols}) {
        const auto refused = quant::fakeQuantize(a->view(), recipe(1));
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, base::ErrorCode::BadInput);
        QVERIFY(refused.error().message.find("odd number of") == 0);
        QVERIFY(!quant::toWidelyLinear(a->view()));
        QVERIFY(!quant::quantize(a->view(), recipe(1)));
        QVERIFY(!quant::quantizeReference(a->view(), recipe(1)));
    }
    QVERIFY(!quant::fakeQuantize({nullptr, 0, 0}, recipe(1)));
}

void TestQuantizer::phaseTies_data() {
    QTest::addColumn<double>("re");
    QTest::addColumn<double>("im");
    QTest::addColumn<int>("code");
    QTest::newRow("first quadrant to +i") << 1.0 << 1.0 << 1;
    QTest::newRow("second quadrant to -1") << -1.0 << 1.0 << 2;
    QTest::newRow("third quadrant to -i") << -1.0 << -1.0 << 3;
    QTest::newRow("fourth quadrant to +1") << 1.0 << -1.0 << 0;
    QTest::newRow("zero to +1") << 0.0 << 0.0 << 0;
    QTest::newRow("minus zero to +1") << -0.0 << -0.0 << 0;
    QTest::newRow("minus zero and zero to +1") << -0.0 << 0.0 << 0;
    QTest::newRow("zero and minus zero to +1") << 0.0 << -0.0 << 0;
    QTest::newRow("real axis") << -2.0 << 1.0 << 2;
    QTest::newRow("imaginary axis") << 1.0 << -2.0 << 3;
    QTest::newRow("smallest numbers tie") << 4.9e-324 << 4.9e-324 << 1;
}

void TestQuantizer::phaseTies() {
    QFETCH(double, re);
    QFETCH(double, im);
    QFETCH(int, code);
    QCOMPARE(static_cast<int>(quant::phaseOf(re, im)), code);
}

void TestQuantizer::goldenVector() {
    const auto a = golden();
    const auto one = quant::quantize(a.view(), recipe(1));
    FAIRY2_OK(one);
    QCOMPARE(one->stages[0].u.codes, std::vector<std::uint8_t>{0});
    QCOMPARE(one->stages[0].w.codes, std::vector<std::uint8_t>{0});
    QCOMPARE(one->stages[0].u.sRe, std::vector<float>{2});
    QCOMPARE(one->stages[0].w.sRe, std::vector<float>{1});
    QCOMPARE(one->stages[0].u.sIm, std::vector<float>{quant::kScaleFloor}); // nothing lies on that axis
    QCOMPARE(quant::dequantize(*one), (std::vector<float>{3, 0, 0, 1}));
    QCOMPARE(quant::fakeQuantize(a.view(), recipe(1)).value(), (std::vector<float>{3, 0, 0, 1}));
    QCOMPARE(quant::fakeQuantize(a.view(), recipe(2)).value(), a.values);
    const auto two = quant::quantize(a.view(), recipe(2)).value();
    QCOMPARE(two.stages[1].u.codes, std::vector<std::uint8_t>{1});
    QCOMPARE(two.stages[1].u.sIm, std::vector<float>{1.5F});
    QCOMPARE(two.stages[1].w.sIm, std::vector<float>{0.5F});
}

void TestQuantizer::tiesInsideAMatrix() {
    // W is zero when A11 = A22 and A12 = −A21; then U = A11 + i A21, one tie case a column. Seventeen columns
    // make vector and remainder lanes see all of them.
    const std::int64_t m = 17;
    const float re[] = {1, -1, -1, 1, 0, -0.0F};
    const float im[] = {1, 1, -1, -1, 0, -0.0F};
    const std::uint8_t expected[] = {1, 2, 3, 0, 0, 0};
    tests::Matrix a{2, 2 * m, std::vector<float>(static_cast<std::size_t>(4 * m))};
    for (std::int64_t j = 0; j < m; ++j) {
        const auto k = static_cast<std::size_t>(j);
        a.values[k] = re[j % 6];
        a.values[k + 17] = -im[j % 6];
        a.values[k + 34] = im[j % 6];
        a.values[k + 51] = re[j % 6];
    }
    const auto q = quant::quantize(a.view(), recipe(1)).value();
    for (std::int64_t j = 0; j < m; ++j) {
        QCOMPARE(q.stages[0].u.codes[static_cast<std::size_t>(j)], expected[j % 6]);
        QCOMPARE(q.stages[0].w.codes[static_cast<std::size_t>(j)], std::uint8_t{0});
    }
}

void TestQuantizer::agreesWithTheReference_data() {
    QTest::addColumn<int>("n");
    QTest::addColumn<int>("m");
    QTest::addColumn<QByteArray>("distribution");
    QTest::addColumn<int>("stages");
    QTest::addColumn<int>("scale");
    for (const int m : {1, 3, 17, 64, 127, 1023})
        for (const int n : {1, 65})
            for (const char* distribution : {"gauss", "bf16", "student"})
                for (const auto scale : kAll)
                    QTest::addRow("%dx%d %s %s", n, m, distribution, quant::name(scale))
                        << n << m << QByteArray(distribution) << (1 + (m + n) % 4) << static_cast<int>(scale);
}

void TestQuantizer::agreesWithTheReference() {
    QFETCH(int, n);
    QFETCH(int, m);
    QFETCH(QByteArray, distribution);
    QFETCH(int, stages);
    QFETCH(int, scale);
    const auto a = tests::randomMatrix(2 * n, 2 * m, distribution.toStdString());
    const auto how = recipe(stages, static_cast<ScaleGranularity>(scale));
    const auto fast = quant::quantize(a.view(), how);
    FAIRY2_OK(fast);
    const auto exact = quant::quantizeReference(a.view(), how);
    FAIRY2_OK(exact);
    QCOMPARE(wrongCodes(a, *fast, *exact, false), 0);
    QCOMPARE(wrongCodes(a, *fast, *exact, true), 0);
    for (std::size_t t = 0; t < exact->stages.size(); ++t) {
        compareScales(fast->stages[t].u, exact->stages[t].u, 4);
        compareScales(fast->stages[t].w, exact->stages[t].w, 4);
    }
    const auto aq = quant::fakeQuantize(a.view(), how);
    FAIRY2_OK(aq);
    QVERIFY(*aq == quant::dequantize(*fast));
    // A group of one entry is exact after two stages; what the third adds is the scale floor, sign unknown.
    const double tolerance = m == 1 ? 1e-10 : 1e-12;
    QVERIFY(tests::relativeSquaredError(quant::dequantize(*exact), *aq) < tolerance);
}

void TestQuantizer::everyInstructionSetGivesTheSameBits() {
    const auto a = tests::randomMatrix(20, 2 * 131, "bf16");
    const auto expected = quant::quantize(a.view(), recipe(3, ScaleGranularity::Row)).value();
    const auto aq = quant::dequantize(expected);
    int tried = 0;
    for (const auto target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        const auto q = quant::quantize(a.view(), recipe(3, ScaleGranularity::Row));
        FAIRY2_OK(q);
        for (std::size_t t = 0; t < 3; ++t) {
            QVERIFY2(q->stages[t].u.codes == expected.stages[t].u.codes, hwy::TargetName(target));
            QVERIFY2(q->stages[t].w.codes == expected.stages[t].w.codes, hwy::TargetName(target));
            QVERIFY2(q->stages[t].u.sRe == expected.stages[t].u.sRe, hwy::TargetName(target));
            QVERIFY2(q->stages[t].w.sIm == expected.stages[t].w.sIm, hwy::TargetName(target));
        }
        QVERIFY2(quant::fakeQuantize(a.view(), recipe(3, ScaleGranularity::Row)).value() == aq,
                 hwy::TargetName(target));
        ++tried;
    }
    hwy::SetSupportedTargetsForTest(0);
    QVERIFY(tried >= 1);
}

void TestQuantizer::everyThreadCountGivesTheSameBits_data() {
    QTest::addColumn<int>("scale");
    for (const auto scale : kAll)
        QTest::newRow(quant::name(scale)) << static_cast<int>(scale);
}

void TestQuantizer::everyThreadCountGivesTheSameBits() {
    QFETCH(int, scale);
    const auto a = tests::randomMatrix(700, 620, "student");
    const auto how = recipe(2, static_cast<ScaleGranularity>(scale));
    const auto one = quant::fakeQuantize(a.view(), how, 1).value();
    for (int threads = 2; threads <= 4; ++threads) {
        QVERIFY(quant::fakeQuantize(a.view(), how, threads).value() == one);
        QVERIFY(quant::dequantize(quant::quantize(a.view(), how, threads).value(), threads) == one);
    }
}

void TestQuantizer::scalesAreMeansToFp32() {
    // An outlier a thousand times the rest takes ten bits from the fixed-point terms of a tensor-wide scale.
    auto a = tests::randomMatrix(256, 256, "gauss");
    a.values[17] = 5000;
    const auto q = quant::quantize(a.view(), recipe(1)).value();
    const auto form = quant::toWidelyLinear(a.view()).value();
    double sum = 0;
    double count = 0;
    for (std::size_t k = 0; k < form.u.re.size(); ++k) {
        if (!quant::onRealAxis(quant::phaseOf(form.u.re[k], form.u.im[k]))) continue;
        sum += std::abs(form.u.re[k]);
        ++count;
    }
    QVERIFY(std::abs(q.stages[0].u.sRe[0] / (sum / count) - 1) < 1e-7);
}

void TestQuantizer::oneStageIsIdempotentTwoAreNot() {
    const auto a = tests::randomMatrix(256, 256, "gauss");
    const auto again = [&](int stages) {
        tests::Matrix once{a.rows, a.cols, quant::fakeQuantize(a.view(), recipe(stages)).value()};
        const auto twice = quant::fakeQuantize(once.view(), recipe(stages)).value();
        return tests::relativeSquaredError(once.values, twice);
    };
    QVERIFY(again(1) < 1e-12);
    QVERIFY(again(2) > 1e-3);
}

void TestQuantizer::manyStagesApproachTheMatrix() {
    const auto a = tests::randomMatrix(128, 128, "gauss");
    double last = 1;
    for (int stages = 1; stages <= 4; ++stages) {
        const auto error =
            tests::relativeSquaredError(a.values, quant::fakeQuantize(a.view(), recipe(stages)).value());
        QVERIFY(error < 0.6 * last);
        last = error;
    }
    // Quantising what is left again and again, T tends to infinity; entries far from the mean come last.
    auto rest = tests::randomMatrix(128, 128, "uniform");
    const auto energy = [](const std::vector<float>& values) {
        double sum = 0;
        for (const float value : values)
            sum += static_cast<double>(value) * static_cast<double>(value);
        return sum;
    };
    const double whole = energy(rest.values);
    double left = whole;
    for (int round = 0; round < 10; ++round) {
        const auto q = quant::fakeQuantize(rest.view(), recipe(4)).value();
        for (std::size_t i = 0; i < q.size(); ++i)
            rest.values[i] -= q[i];
        QVERIFY(energy(rest.values) < left);
        left = energy(rest.values);
    }
    QVERIFY(left < 1e-3 * whole);
}

void TestQuantizer::errorTable_data() {
    QTest::addColumn<QByteArray>("distribution");
    QTest::addColumn<int>("stages");
    QTest::addColumn<double>("expected");
    QTest::addColumn<double>("tolerance");
    const auto rows = [](const char* distribution, double tolerance, std::initializer_list<double> errors) {
        int stages = 1;
        for (const double error : errors) {
            QTest::addRow("%s, %d stages", distribution, stages)
                << QByteArray(distribution) << stages << error << tolerance;
            ++stages;
        }
    };
    rows("gauss", 1e-3, {.3633, .1305, .0584, .0329});
    rows("student", 3e-3, {.4249, .1893, .1112, .0781});
    rows("laplace", 1e-3, {.4025, .1601, .0826, .0513});
    rows("uniform", 1e-3, {.3469, .1170, .0476, .0245});
}

void TestQuantizer::errorTable() {
    QFETCH(QByteArray, distribution);
    QFETCH(int, stages);
    QFETCH(double, expected);
    QFETCH(double, tolerance);
    // Heavy tails make one matrix differ from the next: the mean of a few.
    double error = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const auto a = tests::randomMatrix(1024, 1024, distribution.toStdString(), seed);
        error +=
            tests::relativeSquaredError(a.values, quant::fakeQuantize(a.view(), recipe(stages)).value()) / 4;
    }
    QVERIFY2(std::abs(error - expected) < tolerance, qPrintable(QString::number(error)));
}

void TestQuantizer::zeroMatrixKeepsTheScaleFloor() {
    tests::Matrix zero{4, 6, std::vector<float>(24)};
    zero.values[3] = -0.0F;
    for (const auto scale : kAll) {
        const auto q = quant::quantize(zero.view(), recipe(1, scale)).value();
        for (const auto code : q.stages[0].u.codes)
            QCOMPARE(code, std::uint8_t{0});
        QCOMPARE(q.stages[0].u.sRe[0], quant::kScaleFloor);
        for (const float value : quant::dequantize(q))
            QVERIFY(std::abs(value) <= 2 * quant::kScaleFloor);
    }
}

void TestQuantizer::hugeAndTinyValuesStayFinite() {
    for (const float size : {std::numeric_limits<float>::max(), 1e-30F, 1e-42F}) {
        auto a = tests::randomMatrix(6, 34, "uniform");
        for (auto& value : a.values)
            value *= size;
        for (const auto scale : kAll) {
            const auto q = quant::quantize(a.view(), recipe(4, scale)).value();
            const auto exact = quant::quantizeReference(a.view(), recipe(4, scale)).value();
            for (std::size_t g = 0; g < q.stages[3].w.sIm.size(); ++g) {
                QVERIFY(std::isfinite(q.stages[3].w.sIm[g]));
                QVERIFY(std::abs(q.stages[0].u.sRe[g] / exact.stages[0].u.sRe[g] - 1) < 1e-6);
            }
        }
    }
}

void TestQuantizer::nonFiniteEntriesAreCounted_data() {
    QTest::addColumn<float>("poison");
    QTest::newRow("NaN") << std::numeric_limits<float>::quiet_NaN();
    QTest::newRow("infinity") << std::numeric_limits<float>::infinity();
    QTest::newRow("minus infinity") << -std::numeric_limits<float>::infinity();
}

void TestQuantizer::nonFiniteEntriesAreCounted() {
    QFETCH(float, poison);
    auto a = tests::randomMatrix(130, 34, "gauss");
    a.values[7] = poison;
    a.values[a.values.size() - 1] = poison;
    for (const auto scale : kAll) {
        const auto refused = quant::fakeQuantize(a.view(), recipe(2, scale));
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, base::ErrorCode::BadInput);
        QVERIFY(refused.error().message.find("2 of 4420 entries") == 0);
        QVERIFY(!quant::quantize(a.view(), recipe(2, scale)));
        QVERIFY(!quant::quantizeReference(a.view(), recipe(2, scale)));
    }
}

void TestQuantizer::stagesOutsideTheRangeAreRefused() {
    const auto a = golden();
    for (const int stages : {-1, 0, 5}) {
        const auto refused = quant::quantize(a.view(), recipe(stages));
        QVERIFY(!refused);
        QCOMPARE(refused.error().field, std::string("stages"));
    }
}

void TestQuantizer::worksInPlace() {
    for (const auto scale : kAll) {
        auto a = tests::randomMatrix(200, 270, "gauss");
        const auto expected = quant::fakeQuantize(a.view(), recipe(2, scale)).value();
        FAIRY2_OK(quant::fakeQuantize(a.view(), recipe(2, scale), a.values.data()));
        QVERIFY(a.values == expected);
    }
}

void TestQuantizer::bitsPerWeightCountScales() {
    // 1024 × 1024: 2 bits of codes, 8 fp32 scalars at two stages.
    QCOMPARE(quant::bitsPerWeight(1024, 1024, recipe(2)), 2 + 8 * 32.0 / 1048576);
    QCOMPARE(quant::bitsPerWeight(1024, 1024, recipe(1, ScaleGranularity::Row)),
             1 + 4 * 512 * 16.0 / 1048576);
    QCOMPARE(quant::bitsPerWeight(1024, 1024, recipe(1, ScaleGranularity::Tile64)),
             1 + 4 * 64 * 16.0 / 1048576);
}

QTEST_APPLESS_MAIN(TestQuantizer)
#include "tst_quantizer.moc"
