// SPDX-License-Identifier: Apache-2.0
#include "quant/quantizer.h"
#include "testdata.h"
#include "training/adamw.h"
#include "trainingsupport.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

using namespace fairy2;
using training::Part;

namespace {

constexpr int kThreads = 1;

std::vector<float> readPart(const training::Engine& engine, std::size_t index, Part part) {
    std::vector<float> values(static_cast<std::size_t>(engine.parameters()[index].elements));
    if (!engine.read(index, part, values)) values.clear();
    return values;
}

std::size_t indexOf(const training::Engine& engine, const std::string& name) {
    const auto& all = engine.parameters();
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const auto& info) { return info.name == name; }) -
        all.begin());
}

} // namespace

/// What an engine promises: the straight-through gradient, AdamW, codes and statistics, refusals.
class TestEngine : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        auto model = tests::PlainModel::open(base::Path(tests::environment("FAIRY2_SOURCE")) /
                                             "resources/demo/stories260K");
        FAIRY2_OK(model);
        m_model = std::move(*model);
        auto rows = data::TokenRows::open(tests::dataFile("training/stories260k_rows.safetensors"), "train");
        FAIRY2_OK(rows);
        m_rows = std::move(*rows);
    }

    void forwardWeightsAreFakeQuantizedMasters() {
        const auto engine = make(2);
        const auto index = indexOf(*engine, "model.layers.2.mlp.up_proj.weight");
        const auto& info = engine->parameters()[index];
        QVERIFY(info.quantized);
        const auto master = readPart(*engine, index, Part::Master);
        const auto expected = quant::fakeQuantize({master.data(), info.shape[0], info.shape[1]}, {2});
        FAIRY2_OK(expected);
        QVERIFY(readPart(*engine, index, Part::Forward) == *expected);
        QVERIFY(!engine->parameters()[indexOf(*engine, "model.embed_tokens.weight")].quantized);
    }

    // Training A through the quantiser gives A the very gradient that A_q has as an ordinary weight.
    void gradientOfAIsGradientOfAq_data() {
        QTest::addColumn<bool>("head");
        QTest::newRow("linears of the blocks") << false;
        QTest::newRow("with a quantised tied head") << true;
    }
    void gradientOfAIsGradientOfAq() {
        QFETCH(bool, head);
        auto quantized = make(2, head);
        const auto plain = make(0);
        for (std::size_t i = 0; i < plain->parameters().size(); ++i)
            FAIRY2_OK(plain->write(i, Part::Master, readPart(*quantized, i, Part::Forward)));
        const auto batch = sampler().batch(0, 4);
        const auto loss = quantized->accumulate(batch, 1);
        FAIRY2_OK(loss);
        const auto plainLoss = plain->accumulate(batch, 1);
        FAIRY2_OK(plainLoss);
        if (!head) QCOMPARE(loss->total, plainLoss->total);
        if (head) QVERIFY(loss->total > plainLoss->total);
        for (std::size_t i = 0; i < plain->parameters().size() && !head; ++i)
            QVERIFY2(readPart(*quantized, i, Part::Gradient) == readPart(*plain, i, Part::Gradient),
                     plain->parameters()[i].name.c_str());
        for (const char* name :
             {"model.layers.0.self_attn.q_proj.weight", "model.layers.4.mlp.down_proj.weight",
              "model.norm.weight", "model.embed_tokens.weight"})
            checkAgainstDifferences(head ? *quantized : *plain, *quantized, name, batch);
    }

    void oneStepIsAdamWByHand() {
        const auto engine = make(0);
        const auto index = indexOf(*engine, "model.layers.1.self_attn.o_proj.weight");
        const auto before = readPart(*engine, index, Part::Master);
        FAIRY2_OK(engine->accumulate(sampler().batch(0, 2), 1));
        const auto gradient = readPart(*engine, index, Part::Gradient);
        const auto outcome = engine->finishStep({1e-3, false});
        FAIRY2_OK(outcome);
        const auto after = readPart(*engine, index, Part::Master);
        const double scale = training::clipScale(outcome->gradNorm, m_clip);
        QVERIFY(scale < 1);
        for (std::size_t i = 0; i < before.size(); i += 37) {
            const double g = gradient[i] * scale;
            // At the first update both corrections cancel: m̂ = g, v̂ = g².
            const double expected = before[i] * (1 - 1e-3 * m_decay) - 1e-3 * g / (std::abs(g) + 1e-8);
            QVERIFY2(std::abs(after[i] - expected) < 1e-7, qPrintable(QString::number(after[i] - expected)));
        }
        for (const float g : readPart(*engine, index, Part::Gradient))
            QCOMPARE(g, 0.0F);
        QCOMPARE(engine->updates(), 1);
    }

    void adamWIsTheSameForAnyThreadCount() {
        std::vector<float> gradient(1 << 19);
        for (std::size_t i = 0; i < gradient.size(); ++i)
            gradient[i] = std::sin(static_cast<float>(i)) * 1e-2F;
        QCOMPARE(training::sumOfSquares(gradient, 1), training::sumOfSquares(gradient, 3));
        std::vector<float> results[2];
        for (const int threads : {1, 3}) {
            std::vector<float> w(gradient.size(), 0.5F), m(gradient.size()), v(gradient.size());
            training::AdamW step;
            step.learningRate = 1e-3;
            step.weightDecay = 0.1;
            for (step.update = 1; step.update <= 3; ++step.update)
                training::applyAdamW(step, w, m, v, gradient, threads);
            results[threads == 1 ? 0 : 1] = w;
        }
        QVERIFY(results[0] == results[1]);
    }

    void statisticsSayWhatTheCodesDid() {
        const auto engine = make(2);
        FAIRY2_OK(engine->accumulate(sampler().batch(0, 4), 1));
        const auto still = engine->finishStep({0.0, true});
        FAIRY2_OK(still);
        QCOMPARE(still->layers.size(), std::size_t(35));
        QCOMPARE(still->flipRate, 0.0);
        FAIRY2_OK(engine->accumulate(sampler().batch(4, 4), 1));
        const auto moved = engine->finishStep({1e-3, true});
        FAIRY2_OK(moved);
        QVERIFY(moved->flipRate > 0 && moved->flipRate < 0.2);
        const auto& layer = moved->layers[3];
        QCOMPARE(layer.residualEnergy.size(), std::size_t(2));
        QVERIFY(layer.residualEnergy[0] > 0.3 && layer.residualEnergy[0] < 0.5);
        QVERIFY(layer.residualEnergy[1] > 0.08 && layer.residualEnergy[1] < 0.25);
        QVERIFY(moved->residualEnergy < moved->layers[0].residualEnergy[0]);
    }

    void aStepThatIsNotFiniteChangesNothing() {
        const auto engine = make(2);
        const auto index = indexOf(*engine, "model.norm.weight");
        const auto good = readPart(*engine, index, Part::Master);
        auto bad = good;
        bad[0] = std::numeric_limits<float>::infinity();
        FAIRY2_OK(engine->write(index, Part::Master, bad));
        FAIRY2_OK(engine->accumulate(sampler().batch(0, 2), 1));
        const auto outcome = engine->finishStep({1e-3, true});
        FAIRY2_OK(outcome);
        QVERIFY(outcome->skipped);
        QVERIFY(readPart(*engine, index, Part::Master) == bad);
        QCOMPARE(engine->updates(), 0);
        FAIRY2_OK(engine->write(index, Part::Master, good));
        FAIRY2_OK(engine->accumulate(sampler().batch(0, 2), 1));
        const auto next = engine->finishStep({1e-3, false});
        FAIRY2_OK(next);
        QVERIFY(!next->skipped);
    }

    void distillationFromItselfHasNoLossAndNoGradient() {
        training::EngineOptions options = baseOptions(0);
        options.distillation = {1.0, 2.0, 0.0, m_model.weights()};
        const auto engine = training::makeTorchEngine(m_model.spec, m_model.weights(), options);
        FAIRY2_OK(engine);
        const auto loss = (*engine)->accumulate(sampler().batch(0, 2), 1);
        FAIRY2_OK(loss);
        QVERIFY(std::abs(loss->total) < 1e-6);
        QVERIFY(loss->crossEntropy > 1);
        const auto outcome = (*engine)->finishStep({1e-3, false});
        FAIRY2_OK(outcome);
        QVERIFY(outcome->gradNorm < 1e-4);
    }

    void distillationGradientIsThatOfItsLoss() {
        training::EngineOptions options = baseOptions(1);
        options.distillation = {0.7, 3.0, 0.4, m_model.weights()};
        const auto engine = training::makeTorchEngine(m_model.spec, m_model.weights(), options);
        FAIRY2_OK(engine);
        const auto batch = sampler().batch(0, 2);
        const auto loss = (*engine)->accumulate(batch, 1);
        FAIRY2_OK(loss);
        QVERIFY(loss->distillation > 0.1);
        QVERIFY(std::abs(loss->total - (0.4 * loss->crossEntropy + 0.7 * 9 * loss->distillation)) < 1e-9);
        const auto name = "model.layers.3.post_attention_layernorm.weight";
        const auto index = indexOf(**engine, name);
        const auto gradient = readPart(**engine, index, Part::Gradient);
        const auto master = readPart(**engine, index, Part::Master);
        for (const std::size_t entry : {std::size_t(1), std::size_t(40)}) {
            const auto lossAt = [&](float value) {
                auto moved = master;
                moved[entry] = value;
                (void)(*engine)->write(index, Part::Master, moved);
                return (*engine)->accumulate(batch, 1)->total;
            };
            const float h = 2e-2F;
            const double slope = (lossAt(master[entry] + h) - lossAt(master[entry] - h)) / (2 * h);
            (void)(*engine)->write(index, Part::Master, master);
            QVERIFY2(std::abs(slope - gradient[entry]) < 2e-3 * std::max(0.05, std::abs(slope)),
                     qPrintable(QString("%1 and %2").arg(slope).arg(gradient[entry])));
        }
    }

    void everyEpochTakesEveryRowOnce() {
        const auto rows = training::RowSampler::create(m_rows, 0, true, 7);
        FAIRY2_OK(rows);
        std::vector<std::int64_t> orders[2];
        for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
            std::set<std::int64_t> seen;
            for (std::int64_t i = 0; i < rows->pieces(); ++i) {
                orders[epoch].push_back(rows->pieceAt(epoch * rows->pieces() + i));
                seen.insert(orders[epoch].back());
            }
            QCOMPARE(static_cast<std::int64_t>(seen.size()), rows->pieces());
        }
        QVERIFY(orders[0] != orders[1]);
        const auto other = training::RowSampler::create(m_rows, 0, true, 8);
        QVERIFY(other->pieceAt(0) != rows->pieceAt(0) || other->pieceAt(1) != rows->pieceAt(1));
    }

    void rowsAreCutToTheSequenceLength() {
        const auto rows = training::RowSampler::create(m_rows, 50, false, 0);
        FAIRY2_OK(rows);
        QCOMPARE(rows->pieces(), 2 * m_rows.rows());
        const auto batch = rows->batch(1, 2);
        QCOMPARE(batch.ids[0], m_rows.row(0)[50]);
        QCOMPARE(batch.ids[50], m_rows.row(1)[0]);
        QVERIFY(!training::RowSampler::create(m_rows, 1000, false, 0));
        const auto ragged = data::TokenRows::fromRows({{1, 2, 3}, {1, 2}});
        const auto refused = training::RowSampler::create(ragged, 0, false, 0);
        QVERIFY(!refused);
        QVERIFY(refused.error().hint.find("sequence_length") != std::string::npos);
    }

    void theLoopStopsAfterManyStepsThatAreNotFinite() {
        const auto engine = make(2);
        const auto index = indexOf(*engine, "model.norm.weight");
        auto bad = readPart(*engine, index, Part::Master);
        bad[0] = std::numeric_limits<float>::quiet_NaN();
        FAIRY2_OK(engine->write(index, Part::Master, bad));
        config::RunSpec spec;
        spec.maxSteps = 50;
        spec.microBatchSize = 2;
        tests::Recorder seen;
        const std::vector<training::Batch> none;
        const auto rows = sampler();
        training::TrainingLoop loop(*engine, spec, rows, none, seen);
        training::Progress progress;
        const base::Cancel stop;
        const auto end = loop.run(progress, stop);
        QVERIFY(!end);
        QVERIFY(end.error().message.find("not finite") != std::string::npos);
        QCOMPARE(progress.skipped, training::TrainingLoop::kMostSkipped);
        QVERIFY(seen.saves.empty());
    }

    void savesComeWhenDueAndAtTheEnd() {
        const auto engine = make(1);
        config::RunSpec spec;
        spec.maxSteps = 5;
        spec.saveEvery = 2;
        spec.microBatchSize = 1;
        tests::Recorder seen;
        const std::vector<training::Batch> none;
        const auto rows = sampler();
        training::TrainingLoop loop(*engine, spec, rows, none, seen);
        training::Progress progress;
        const base::Cancel stop;
        FAIRY2_OK(loop.run(progress, stop));
        QCOMPARE(seen.saves, (std::vector<std::int64_t>{2, 4, 5}));
        base::Cancel stopped;
        stopped.request();
        training::Progress fresh;
        const auto end = loop.run(fresh, stopped);
        FAIRY2_OK(end);
        QVERIFY(*end == training::LoopEnd::Stopped);
        QCOMPARE(seen.saves.size(), std::size_t(3));
    }

private:
    static constexpr double m_clip = 0.5;
    static constexpr double m_decay = 0.1;

    static training::EngineOptions baseOptions(int stages, bool head = false) {
        training::EngineOptions options;
        options.recipe.defaults.stages = stages;
        options.recipe.quantizeLmHead = head;
        options.clipNorm = m_clip;
        options.weightDecay = m_decay;
        options.threads = kThreads;
        return options;
    }

    std::unique_ptr<training::Engine> make(int stages, bool head = false) const {
        auto engine = training::makeTorchEngine(m_model.spec, m_model.weights(), baseOptions(stages, head));
        return engine ? std::move(*engine) : nullptr;
    }

    training::RowSampler sampler() const { return *training::RowSampler::create(m_rows, 0, false, 0); }

    // Central differences of the loss in one weight of `plain`, against the gradient that `trained` gave.
    static void checkAgainstDifferences(training::Engine& plain, const training::Engine& trained,
                                        const char* name, const training::Batch& batch) {
        const auto index = indexOf(plain, name);
        const auto gradient = readPart(trained, index, Part::Gradient);
        const auto master = readPart(plain, index, Part::Master);
        const auto entry = static_cast<std::size_t>(
            std::max_element(gradient.begin(), gradient.end(),
                             [](float a, float b) { return std::abs(a) < std::abs(b); }) -
            gradient.begin());
        if (trained.parameters()[index].quantized && &plain == &trained) return; // A_q would not move with A
        const float h = 4e-3F;
        const auto lossAt = [&](float value) {
            auto moved = master;
            moved[entry] = value;
            (void)plain.write(index, Part::Master, moved);
            const auto losses = plain.evaluate(batch);
            return std::accumulate(losses->begin(), losses->end(), 0.0) / static_cast<double>(batch.scored());
        };
        const double slope = (lossAt(master[entry] + h) - lossAt(master[entry] - h)) / (2 * h);
        (void)plain.write(index, Part::Master, master);
        // The head in A_q does not move with the embedding either: only its use as an embedding is compared
        // then.
        if (&plain == &trained && std::string(name) == "model.embed_tokens.weight") return;
        QVERIFY2(std::abs(slope - gradient[entry]) < 0.02 * std::abs(slope),
                 qPrintable(QString("%1: %2 and %3").arg(name).arg(slope).arg(gradient[entry])));
    }

    tests::PlainModel m_model;
    data::TokenRows m_rows;
};

QTEST_APPLESS_MAIN(TestEngine)
#include "tst_engine.moc"
