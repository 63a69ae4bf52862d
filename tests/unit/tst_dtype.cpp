// SPDX-License-Identifier: Apache-2.0
#include "tensors/dtype.h"
#include "testdata.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace fairy2::tensors;

class TestDType : public QObject {
    Q_OBJECT
private slots:
    void namesAreSpelledAsInTheFormat();
    void unknownNamesAreRefused();
    void everyHalfSurvivesTheRoundTrip();
    void halvesHaveTheirValue_data();
    void halvesHaveTheirValue();
    void roundingToHalfIsToNearestEven_data();
    void roundingToHalfIsToNearestEven();
    void arraysConvertAtAnyAddress();
};

namespace {

template <typename T>
std::vector<std::byte> shifted(const std::vector<T>& values) {
    std::vector<std::byte> bytes(values.size() * sizeof(T) + 1);
    std::memcpy(bytes.data() + 1, values.data(), values.size() * sizeof(T));
    return bytes;
}

std::uint32_t bitsOf(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

} // namespace

void TestDType::namesAreSpelledAsInTheFormat() {
    const std::pair<const char*, std::size_t> known[] = {
        {"F64", 8},     {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1},
        {"F8_E5M2", 1}, {"I64", 8}, {"I32", 4}, {"I16", 2},  {"I8", 1},
        {"U64", 8},     {"U32", 4}, {"U16", 2}, {"U8", 1},   {"BOOL", 1}};
    for (const auto& [text, bytes] : known) {
        const auto type = parseDType(text);
        FAIRY2_OK(type);
        QCOMPARE(std::string(name(*type)), std::string(text));
        QCOMPARE(bytesPerElement(*type), bytes);
        QCOMPARE(isFloat(*type), bytes > 1 && (text[0] == 'F' || text[0] == 'B'));
    }
}

void TestDType::unknownNamesAreRefused() {
    for (const char* text : {"", "f32", "F32 ", "F4", "F8_E4M3FNUZ", "F8_E8M0", "C64", "Bool"}) {
        const auto type = parseDType(text);
        QVERIFY2(!type, text);
        QVERIFY(type.error().message.find(std::string("'") + text + "'") != std::string::npos);
    }
}

void TestDType::everyHalfSurvivesTheRoundTrip() {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const float asF16 = toFloat(half, DType::F16);
        const float asBf16 = toFloat(half, DType::BF16);
        if (std::isnan(asF16))
            QVERIFY(std::isnan(toFloat(toF16(asF16), DType::F16)));
        else
            QCOMPARE(toF16(asF16), half);
        if (std::isnan(asBf16))
            QVERIFY(std::isnan(toFloat(toBf16(asBf16), DType::BF16)));
        else
            QCOMPARE(toBf16(asBf16), half);
    }
}

void TestDType::halvesHaveTheirValue_data() {
    QTest::addColumn<int>("half");
    QTest::addColumn<float>("value");
    QTest::newRow("one") << 0x3C00 << 1.0F;
    QTest::newRow("minus two") << 0xC000 << -2.0F;
    QTest::newRow("largest") << 0x7BFF << 65504.0F;
    QTest::newRow("smallest normal") << 0x0400 << 0x1p-14F;
    QTest::newRow("largest subnormal") << 0x03FF << 0x1.FF8p-15F;
    QTest::newRow("smallest subnormal") << 0x0001 << 0x1p-24F;
    QTest::newRow("minus zero") << 0x8000 << -0.0F;
    QTest::newRow("infinity") << 0x7C00 << std::numeric_limits<float>::infinity();
}

void TestDType::halvesHaveTheirValue() {
    QFETCH(int, half);
    QFETCH(float, value);
    QCOMPARE(bitsOf(toFloat(static_cast<std::uint16_t>(half), DType::F16)), bitsOf(value));
}

void TestDType::roundingToHalfIsToNearestEven_data() {
    QTest::addColumn<float>("value");
    QTest::addColumn<int>("f16");
    QTest::addColumn<int>("bf16");
    const float inf = std::numeric_limits<float>::infinity();
    QTest::newRow("tie in f16 goes down to even") << 1.0F + 0x1p-11F << 0x3C00 << 0x3F80;
    QTest::newRow("tie in f16 goes up to even") << 1.0F + 3 * 0x1p-11F << 0x3C02 << 0x3F80;
    QTest::newRow("tie in bf16 goes down to even") << 1.0F + 0x1p-8F << 0x3C04 << 0x3F80;
    QTest::newRow("tie in bf16 goes up to even") << 1.0F + 3 * 0x1p-8F << 0x3C0C << 0x3F82;
    QTest::newRow("just below the overflow of f16") << 65519.0F << 0x7BFF << 0x4780;
    QTest::newRow("overflow of f16") << 65520.0F << 0x7C00 << 0x4780;
    QTest::newRow("subnormal tie of f16") << 0x1p-25F << 0x0000 << 0x3300;
    QTest::newRow("above the subnormal tie") << 0x1.2p-25F << 0x0001 << 0x3310;
    QTest::newRow("rounds up into the normals") << 0x1.FFFp-15F << 0x0400 << 0x3880;
    QTest::newRow("largest float overflows both") << std::numeric_limits<float>::max() << 0x7C00 << 0x7F80;
    QTest::newRow("minus infinity") << -inf << 0xFC00 << 0xFF80;
}

void TestDType::roundingToHalfIsToNearestEven() {
    QFETCH(float, value);
    QFETCH(int, f16);
    QFETCH(int, bf16);
    QCOMPARE(int{toF16(value)}, f16);
    QCOMPARE(int{toBf16(value)}, bf16);
}

void TestDType::arraysConvertAtAnyAddress() {
    std::vector<std::uint16_t> halves(0x10000);
    for (std::size_t i = 0; i < halves.size(); ++i)
        halves[i] = static_cast<std::uint16_t>(i);
    const auto halfBytes = shifted(halves);
    std::vector<float> out(halves.size());
    for (const auto type : {DType::F16, DType::BF16}) {
        convertToFloat(std::span(halfBytes).subspan(1), type, out);
        for (std::size_t i = 0; i < halves.size(); ++i)
            QCOMPARE(bitsOf(out[i]), bitsOf(toFloat(halves[i], type)));
    }

    const std::vector<double> doubles{1.0 / 3, -1e300, 1e-60, 0.1};
    const auto doubleBytes = shifted(doubles);
    out.resize(doubles.size());
    convertToFloat(std::span(doubleBytes).subspan(1), DType::F64, out);
    for (std::size_t i = 0; i < doubles.size(); ++i)
        QCOMPARE(bitsOf(out[i]), bitsOf(static_cast<float>(doubles[i])));

    const std::vector<float> floats{1.5F, -0.0F, 3e38F};
    const auto floatBytes = shifted(floats);
    out.resize(floats.size());
    convertToFloat(std::span(floatBytes).subspan(1), DType::F32, out);
    for (std::size_t i = 0; i < floats.size(); ++i)
        QCOMPARE(bitsOf(out[i]), bitsOf(floats[i]));

    convertToFloat({}, DType::F32, {});
}

QTEST_APPLESS_MAIN(TestDType)
#include "tst_dtype.moc"
