// SPDX-License-Identifier: Apache-2.0
#include "matrices.h"
#include "pack/packedlayer.h"
#include "testdata.h"

using namespace fairy2;
using quant::LayerRecipe;
using quant::ScaleGranularity;

class TestPackedLayer : public QObject {
    Q_OBJECT
private slots:
    void roundTripIsExact_data();
    void roundTripIsExact();
    void bytesStandWhereTheFormulaSays();
    void goldenBytes();
    void floorsAreStoredAsZero();
    void storedScalesAreThoseOfThePackedFile();
    void scaleTooLargeForHalfIsRefused();
    void wrongSizesAreRefused();
};

namespace {

quant::QuantizedMatrix quantized(std::int64_t n, std::int64_t m, int stages, ScaleGranularity scale) {
    const auto a = tests::randomMatrix(2 * n, 2 * m, "student");
    return quant::quantize(a.view(), {stages, scale, false}).value();
}

bool equal(const quant::StageCodes& a, const quant::StageCodes& b) {
    return a.codes == b.codes && a.sRe == b.sRe && a.sIm == b.sIm;
}

} // namespace

void TestPackedLayer::roundTripIsExact_data() {
    QTest::addColumn<int>("n");
    QTest::addColumn<int>("m");
    QTest::addColumn<int>("stages");
    QTest::addColumn<int>("scale");
    const std::pair<int, int> sizes[] = {{1, 1},   {16, 32},  {31, 3},   {32, 64},
                                         {33, 65}, {86, 127}, {65, 1023}};
    for (const auto& [n, m] : sizes)
        for (int stages = 1; stages <= 4; ++stages)
            for (const auto scale :
                 {ScaleGranularity::Tensor, ScaleGranularity::Row, ScaleGranularity::Tile64})
                QTest::addRow("%dx%d %d %s", n, m, stages, quant::name(scale))
                    << n << m << stages << static_cast<int>(scale);
}

void TestPackedLayer::roundTripIsExact() {
    QFETCH(int, n);
    QFETCH(int, m);
    QFETCH(int, stages);
    QFETCH(int, scale);
    const auto q = quantized(n, m, stages, static_cast<ScaleGranularity>(scale));
    const auto packed = pack::pack(q);
    FAIRY2_OK(packed);
    QCOMPARE(packed->codes.size(), packed->shape.codeBytes());
    QCOMPARE(packed->scales.size(), packed->shape.scaleBytes());
    QCOMPARE(packed->codes.size() % 64, std::size_t{0});
    QVERIFY(packed->codes.size() < static_cast<std::size_t>((n + 1) / 2 * m * stages + 64));
    const auto back = pack::unpack(pack::view(*packed));
    FAIRY2_OK(back);
    const auto stored = pack::withStoredScales(q);
    FAIRY2_OK(stored);
    for (std::size_t t = 0; t < q.stages.size(); ++t) {
        QVERIFY(equal(back->stages[t].u, stored->stages[t].u));
        QVERIFY(equal(back->stages[t].w, stored->stages[t].w));
    }
    QVERIFY(quant::dequantize(*back) == quant::dequantize(*stored));
    const auto again = pack::pack(*back);
    FAIRY2_OK(again);
    QVERIFY(again->codes == packed->codes && again->scales == packed->scales);
}

void TestPackedLayer::bytesStandWhereTheFormulaSays() {
    const std::int64_t n = 75;
    const std::int64_t m = 130;
    const std::int64_t stages = 3;
    const auto q = quantized(n, m, 3, ScaleGranularity::Row);
    const auto packed = pack::pack(q).value();
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < m; ++j) {
            for (std::int64_t t = 0; t < stages; ++t) {
                const auto r = i / 32;
                const auto c = j / 64;
                const auto b = (std::min<std::int64_t>(32, n - 32 * r) + 1) / 2;
                const auto w = std::min<std::int64_t>(64, m - 64 * c);
                const auto byte = 16 * r * m * stages + 64 * c * stages * b + t * w * b + (j - 64 * c) * b +
                                  (i - 32 * r) % b;
                auto value = std::to_integer<unsigned>(packed.codes[static_cast<std::size_t>(byte)]);
                value = i - 32 * r < b ? value & 15U : value >> 4U;
                const auto& stage = q.stages[static_cast<std::size_t>(t)];
                const auto k = static_cast<std::size_t>(i * m + j);
                QCOMPARE(value, static_cast<unsigned>(stage.u.codes[k] | stage.w.codes[k] << 2));
            }
        }
    }
}

void TestPackedLayer::goldenBytes() {
    const tests::Matrix a{2, 2, {3, -1, 2, 1}};
    const auto packed =
        pack::pack(quant::quantize(a.view(), {2, ScaleGranularity::Tensor, false}).value()).value();
    QCOMPARE(packed.codes.size(), std::size_t{64});
    QCOMPARE(std::to_integer<int>(packed.codes[0]), 0);     // stage 1: U +1, W +1
    QCOMPARE(std::to_integer<int>(packed.codes[1]), 1 + 4); // stage 2: U +i, W +i
    const float scales[] = {2, 0, 1, 0, 0, 1.5F, 0, 0.5F};
    QCOMPARE(packed.scales.size(), sizeof scales);
    QVERIFY(std::memcmp(packed.scales.data(), scales, sizeof scales) == 0);
}

void TestPackedLayer::floorsAreStoredAsZero() {
    tests::Matrix a = tests::randomMatrix(8, 8, "gauss");
    for (std::size_t j = 0; j < 8; ++j) // complex row 1 is real rows 1 and 5
        a.values[8 + j] = a.values[40 + j] = 0;
    for (const int stages : {1, 2, 4}) {
        const auto q = quant::quantize(a.view(), {stages, ScaleGranularity::Row, false}).value();
        const auto decoded = quant::dequantize(pack::unpack(pack::view(pack::pack(q).value())).value());
        for (std::size_t j = 0; j < 8; ++j) {
            QCOMPARE(decoded[8 + j], 0.0F);
            QCOMPARE(decoded[40 + j], 0.0F);
        }
    }
}

void TestPackedLayer::storedScalesAreThoseOfThePackedFile() {
    // fp32 scales of a whole tensor survive, so nothing changes at all.
    const auto tensor = quantized(40, 50, 2, ScaleGranularity::Tensor);
    QVERIFY(quant::dequantize(pack::withStoredScales(tensor).value()) == quant::dequantize(tensor));
    // fp16 has 11 bits: half a unit in the last place is 2^-11 relative at most.
    const auto rows = quantized(40, 50, 2, ScaleGranularity::Row);
    const auto stored = pack::withStoredScales(rows).value();
    for (std::size_t g = 0; g < 40; ++g) {
        const float before = rows.stages[1].w.sIm[g];
        QVERIFY(std::abs(stored.stages[1].w.sIm[g] - before) <= before / 2048);
    }
}

void TestPackedLayer::scaleTooLargeForHalfIsRefused() {
    auto q = quantized(4, 4, 1, ScaleGranularity::Row);
    q.stages[0].u.sRe[2] = 1e6F;
    const auto refused = pack::pack(q);
    QVERIFY(!refused);
    QVERIFY(refused.error().message.find("too large for fp16") != std::string::npos);
    q.scale = ScaleGranularity::Tensor;
    FAIRY2_OK(pack::pack(q));
}

void TestPackedLayer::wrongSizesAreRefused() {
    auto packed = pack::pack(quantized(33, 5, 2, ScaleGranularity::Tile64)).value();
    auto shorter = packed;
    shorter.codes.pop_back();
    QVERIFY(!pack::unpack(pack::view(shorter)));
    shorter = packed;
    shorter.scales.pop_back();
    QVERIFY(!pack::unpack(pack::view(shorter)));
    for (const auto& [rows, cols, stages] :
         {std::tuple{0, 10, 2}, {66, -2, 2}, {67, 10, 2}, {66, 10, 5}, {66, 10, 0}}) {
        auto other = packed;
        other.shape.rows = rows;
        other.shape.cols = cols;
        other.shape.stages = stages;
        QVERIFY(!pack::unpack(pack::view(other)));
    }
}

QTEST_APPLESS_MAIN(TestPackedLayer)
#include "tst_packedlayer.moc"
