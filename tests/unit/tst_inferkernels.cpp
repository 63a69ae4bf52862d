// SPDX-License-Identifier: Apache-2.0
#include "infer/generate.h"
#include "infer/kernels.h"
#include "infer/linear.h"
#include "testdata.h"

#include <cmath>
#include <map>
#include <random>

using namespace fairy2;

namespace {

std::vector<float> noise(std::int64_t n, float spread, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, spread);
    std::vector<float> values(static_cast<std::size_t>(n));
    for (auto& value : values)
        value = normal(random);
    return values;
}

double relativeError(double value, double expected) {
    return std::abs(value - expected) / std::max(1e-30, std::abs(expected));
}

double logSumExp(const std::vector<float>& x) {
    double sum = 0;
    for (const float value : x)
        sum += std::exp(static_cast<double>(value));
    return std::log(sum);
}

} // namespace

class TestInferKernels : public QObject {
    Q_OBJECT
private slots:
    void awkwardLengths_data();
    void normsEqualTheFormula_data() { awkwardLengths_data(); }
    void normsEqualTheFormula();
    void gatedUnitsEqualTheFormula_data() { awkwardLengths_data(); }
    void gatedUnitsEqualTheFormula();
    void gatedUnitsHoldAtTheEnds();
    void softmaxSumsToOneAndScales_data() { awkwardLengths_data(); }
    void softmaxSumsToOneAndScales();
    void logSumExpIsTheSameInPieces_data() { awkwardLengths_data(); }
    void logSumExpIsTheSameInPieces();
    void divergenceEqualsTheFormulaInPieces();
    void divergenceOfEqualLogitsIsZero();
    void notANumberIsNotLost();
    void productsDoNotDependOnThreads();
    void greedyTakesTheLargest();
    void drawsFollowTheSharesAndTheSeed();
    void logitsThatAreNotFiniteAreRefused();
};

void TestInferKernels::awkwardLengths_data() {
    QTest::addColumn<int>("n");
    for (const int n : {1, 3, 7, 8, 17, 64, 127, 1023})
        QTest::addRow("%d", n) << n;
}

void TestInferKernels::normsEqualTheFormula() {
    QFETCH(int, n);
    const auto x = noise(n, 3, 1);
    const auto weight = noise(n, 1, 2);
    std::vector<float> out(x.size());
    infer::rmsNorm(x.data(), weight.data(), n, 1e-5F, out.data());
    double squares = 0;
    for (const float value : x)
        squares += static_cast<double>(value) * static_cast<double>(value);
    const double factor = 1 / std::sqrt(squares / n + 1e-5);
    for (std::size_t i = 0; i < x.size(); ++i)
        QVERIFY(relativeError(out[i], static_cast<double>(x[i]) * factor * static_cast<double>(weight[i])) <
                1e-6);
}

void TestInferKernels::gatedUnitsEqualTheFormula() {
    QFETCH(int, n);
    auto gate = noise(n, 4, 3);
    const auto before = gate;
    const auto up = noise(n, 1, 4);
    infer::siluMultiply(gate.data(), up.data(), n);
    for (std::size_t i = 0; i < gate.size(); ++i) {
        const auto x = static_cast<double>(before[i]);
        QVERIFY(relativeError(gate[i], x / (1 + std::exp(-x)) * static_cast<double>(up[i])) < 1e-6);
    }
}

void TestInferKernels::gatedUnitsHoldAtTheEnds() {
    std::vector<float> gate = {-1e30F, -200.0F, 0.0F, 200.0F, 1e30F};
    const std::vector<float> up(gate.size(), 1.0F);
    infer::siluMultiply(gate.data(), up.data(), 5);
    QVERIFY(std::abs(gate[0]) < 1e-10F && std::abs(gate[1]) < 1e-30F);
    QCOMPARE(gate[2], 0.0F);
    QCOMPARE(gate[3], 200.0F);
    QCOMPARE(gate[4], 1e30F);
}

void TestInferKernels::softmaxSumsToOneAndScales() {
    QFETCH(int, n);
    auto x = noise(n, 20, 5);
    const auto before = x;
    infer::softmax(x.data(), n, 0.25F);
    std::vector<float> scaled = before;
    for (auto& value : scaled)
        value *= 0.25F;
    const double normalizer = logSumExp(scaled);
    for (std::size_t i = 0; i < x.size(); ++i)
        QVERIFY(std::abs(static_cast<double>(x[i]) - std::exp(static_cast<double>(scaled[i]) - normalizer)) <
                1e-6);
}

void TestInferKernels::logSumExpIsTheSameInPieces() {
    QFETCH(int, n);
    const auto x = noise(n, 10, 6);
    infer::LogSumExp pieces;
    for (int first = 0; first < n; first += 5)
        infer::accumulate(pieces, x.data() + first, std::min(5, n - first), first);
    QVERIFY(std::abs(pieces.value() - logSumExp(x)) < 1e-5);
    QCOMPARE(pieces.argmax, std::max_element(x.begin(), x.end()) - x.begin());
}

void TestInferKernels::divergenceEqualsTheFormulaInPieces() {
    const auto teacher = noise(5003, 3, 7);
    auto student = teacher;
    const auto change = noise(5003, 0.3F, 8);
    for (std::size_t i = 0; i < student.size(); ++i)
        student[i] += change[i];
    double expected = 0;
    for (std::size_t i = 0; i < teacher.size(); ++i) {
        const double p = static_cast<double>(teacher[i]) - logSumExp(teacher);
        const double q = static_cast<double>(student[i]) - logSumExp(student);
        expected += std::exp(p) * (p - q);
    }
    infer::DivergenceSums sums;
    for (std::int64_t first = 0; first < 5003; first += 700)
        infer::accumulate(sums, teacher.data() + first, student.data() + first,
                          std::min<std::int64_t>(700, 5003 - first), first);
    QVERIFY2(std::abs(sums.divergence() - expected) < 1e-6, qPrintable(QString::number(sums.divergence())));
}

void TestInferKernels::divergenceOfEqualLogitsIsZero() {
    const auto logits = noise(1000, 5, 9);
    infer::DivergenceSums sums;
    infer::accumulate(sums, logits.data(), logits.data(), 1000, 0);
    QCOMPARE(sums.divergence(), 0.0);
    QCOMPARE(sums.teacher.argmax, sums.student.argmax);
}

void TestInferKernels::notANumberIsNotLost() {
    for (const std::size_t place : {0U, 5U, 18U}) {
        auto logits = noise(19, 1, 10);
        logits[place] = std::nanf("");
        infer::LogSumExp state;
        infer::accumulate(state, logits.data(), 19, 0);
        QVERIFY(std::isnan(state.value()));
    }
}

void TestInferKernels::productsDoNotDependOnThreads() {
    const infer::Matrix w{1500, 200, noise(std::int64_t{1500} * 200, 1, 11)};
    for (const std::int64_t count : {1, 20}) {
        const auto x = noise(count * 200, 1, 12);
        std::vector<float> one(static_cast<std::size_t>(count * 1500), 1.0F);
        auto four = one;
        infer::multiply(w, x.data(), count, one.data(), true, 2);
        infer::multiply(w, x.data(), count, four.data(), true, 4);
        QVERIFY(one == four);
        double expected = 1;
        for (int i = 0; i < 200; ++i)
            expected += static_cast<double>(w.values[1499UL * 200 + static_cast<std::size_t>(i)]) *
                        static_cast<double>(x[static_cast<std::size_t>(i)]);
        QVERIFY(std::abs(static_cast<double>(one[1499]) - expected) < 1e-4);
    }
}

void TestInferKernels::greedyTakesTheLargest() {
    QCOMPARE(infer::sample(std::vector<float>{0.1F, 3.0F, 2.9F}, 0, 7, 0).value(), 1);
}

void TestInferKernels::drawsFollowTheSharesAndTheSeed() {
    const std::vector<float> logits = {std::log(0.1F), std::log(0.6F), std::log(0.3F)};
    std::map<std::int32_t, int> counts;
    bool seedMatters = false;
    for (std::uint64_t place = 0; place < 20000; ++place) {
        const auto id = infer::sample(logits, 1, 42, place).value();
        ++counts[id];
        QCOMPARE(infer::sample(logits, 1, 42, place).value(), id);
        seedMatters = seedMatters || infer::sample(logits, 1, 43, place).value() != id;
    }
    // Five standard deviations of a binomial with 20000 draws.
    QVERIFY(std::abs(counts[0] - 2000) < 215);
    QVERIFY(std::abs(counts[1] - 12000) < 350);
    QVERIFY(std::abs(counts[2] - 6000) < 325);
    QVERIFY(seedMatters);
}

void TestInferKernels::logitsThatAreNotFiniteAreRefused() {
    QVERIFY(!infer::sample(std::vector<float>{0.0F, std::nanf("")}, 0, 1, 0));
    QVERIFY(!infer::sample(std::vector<float>{0.0F, INFINITY}, 1, 1, 0));
}

QTEST_APPLESS_MAIN(TestInferKernels)
#include "tst_inferkernels.moc"
