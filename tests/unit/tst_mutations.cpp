// SPDX-License-Identifier: Apache-2.0
#include "testdata.h"

#include <fstream>
#include <random>
#include <sstream>
#include <sys/resource.h>

// The fuzz targets themselves, so that a build without libFuzzer runs them too.
#define LLVMFuzzerTestOneInput fuzzSafetensors
#include "../fuzz/fuzz_safetensors.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzzConfig
#include "../fuzz/fuzz_config.cpp"
#undef LLVMFuzzerTestOneInput

class TestMutations : public QObject {
    Q_OBJECT
private slots:
    void twentyThousandInputsDoNoHarm_data();
    void twentyThousandInputsDoNoHarm();
};

namespace {

using Target = int (*)(const std::uint8_t*, std::size_t);

// Bytes that mean something to a parser of JSON numbers, names and nesting.
constexpr const char* kPieces[] = {"{",
                                   "}",
                                   "[",
                                   "]",
                                   "\"",
                                   ":",
                                   ",",
                                   "-1",
                                   "0",
                                   "1e999",
                                   "2.0",
                                   "4294967296",
                                   "18446744073709551615",
                                   "null",
                                   "true",
                                   "\\u0000",
                                   "\xff",
                                   " ",
                                   "dtype",
                                   "shape",
                                   "F16",
                                   "BF16",
                                   "llama",
                                   "\"a\":1,"};

std::string mutated(std::string text, std::mt19937& random) {
    const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
    for (std::size_t left = 1 + below(4); left > 0; --left) {
        const auto at = below(text.size() + 1);
        const auto length = below(std::min<std::size_t>(24, text.size() - at + 1));
        switch (below(5)) {
        case 0:
            text.erase(at, length);
            break;
        case 1:
            text.insert(at, kPieces[below(std::size(kPieces))]);
            break;
        case 2:
            text.replace(at, length, kPieces[below(std::size(kPieces))]);
            break;
        case 3:
            text.insert(below(text.size() + 1), text.substr(at, length));
            break;
        default:
            if (at < text.size()) text[at] = static_cast<char>(random());
        }
    }
    return text;
}

long peakKilobytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

std::vector<std::string> seeds(const std::string& folder) {
    std::vector<std::string> texts;
    const auto root = std::filesystem::path(fairy2::tests::environment("FAIRY2_SOURCE")) / "tests" / "fuzz" /
                      "corpus" / folder;
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
        std::ostringstream text;
        text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
        texts.push_back(text.str());
    }
    std::sort(texts.begin(), texts.end());
    return texts;
}

} // namespace

void TestMutations::twentyThousandInputsDoNoHarm_data() {
    QTest::addColumn<Target>("target");
    QTest::newRow("safetensors") << Target(fuzzSafetensors);
    QTest::newRow("config") << Target(fuzzConfig);
}

// A target aborts when what it accepts does not hold together; crashes and hangs speak for themselves.
void TestMutations::twentyThousandInputsDoNoHarm() {
    QFETCH(Target, target);
    const auto inputs = seeds(QTest::currentDataTag());
    QVERIFY(!inputs.empty());
    for (const auto& seed : inputs)
        QCOMPARE(target(reinterpret_cast<const std::uint8_t*>(seed.data()), seed.size()), 0);
    const long before = peakKilobytes();
    std::mt19937 random(20260823);
    for (int i = 0; i < 10'000; ++i) {
        const auto text = mutated(inputs[random() % inputs.size()], random);
        QCOMPARE(target(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), 0);
    }
    QVERIFY2(peakKilobytes() - before < 64 * 1024, "memory grew by more than 64 MiB");
}

QTEST_APPLESS_MAIN(TestMutations)
#include "tst_mutations.moc"
