// SPDX-License-Identifier: Apache-2.0
#include "testdata.h"
#include "trainingsupport.h"

using namespace fairy2;

namespace {

// One case of the oracle: a configuration and what PyTorch made of it, step by step.
struct Case {
    base::Json config;
    std::string model;
    std::string tokens;
    base::Json expected;
};

config::RunSpec specOf(const base::Json& config) {
    config::RunSpec spec;
    spec.maxSteps = config["steps"];
    spec.microBatchSize = config["rows_per_microbatch"];
    spec.gradientAccumulation = config["accumulate"];
    spec.learningRate = config["peak_lr"];
    spec.warmupSteps = config["warmup"];
    spec.weightDecay = config["weight_decay"];
    spec.clipNorm = config["clip_norm"];
    spec.recipe.defaults.stages = config["stages"];
    if (config.value("scale_granularity", "tensor") == "row")
        spec.recipe.defaults.scale = quant::ScaleGranularity::Row;
    spec.shuffle = false;
    return spec;
}

} // namespace

/// Every optimiser step of Fairy2i training equals PyTorch's (train_oracle.json), in fp32 on the CPU.
class TestOracle : public QObject {
    Q_OBJECT

private slots:
    void theBundledModelFollowsFiveSteps() {
        const base::Path demo =
            base::Path(tests::environment("FAIRY2_SOURCE")) / "resources/demo/stories260K";
        const auto golden = base::readJson(tests::dataFile("training/stories260k_w2_5steps.json"));
        FAIRY2_OK(golden);
        const Case one{(*golden)["config"], demo.string(),
                       tests::dataFile("training/stories260k_rows.safetensors").string(),
                       (*golden)["float32"]};
        follow(one);
    }

    void everyStepFollows_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"w1", "w2", "w3", "full_precision", "w2_accumulate4_decay", "w2_row_scales",
                                 "w1_row_scales", "qwen3_w2"})
            QTest::newRow(name) << name;
    }

    void everyStepFollows() {
        QFETCH(QString, name);
        FAIRY2_REAL_FILE(oracle, "models/train_oracle.json");
        const auto all = base::readJson(oracle);
        FAIRY2_OK(all);
        const auto& entry = (*all)[name.toStdString()];
        const std::string model = entry["model"];
        const std::string tokens = entry["tokens"];
        const auto folder = oracle.parent_path();
        const bool plain = std::filesystem::exists(folder / model);
        follow({entry["config"], (plain ? folder / model : folder / "tiny-hf-random" / model).string(),
                (folder / tokens).string(), entry["float32"]});
    }

private:
    static void follow(const Case& one) {
        const auto model = tests::PlainModel::open(one.model);
        FAIRY2_OK(model);
        const auto spec = specOf(one.config);
        const auto train = data::TokenRows::open(one.tokens, "train", model->spec.vocabSize);
        FAIRY2_OK(train);
        const auto validation = data::TokenRows::open(one.tokens, "val", model->spec.vocabSize);
        FAIRY2_OK(validation);
        auto engine = training::makeTorchEngine(model->spec, model->weights(), tests::engineOptions(spec));
        FAIRY2_OK(engine);
        const auto rows = training::RowSampler::create(*train, 0, spec.shuffle, spec.seed);
        FAIRY2_OK(rows);
        tests::Recorder seen;
        const auto batches = training::batchesInOrder(*validation, spec.microBatchSize);
        training::TrainingLoop loop(**engine, spec, *rows, batches, seen);
        training::Progress progress;
        const base::Cancel stop;
        const auto end = loop.run(progress, stop);
        FAIRY2_OK(end);
        QVERIFY(*end == training::LoopEnd::Finished);

        const auto losses = one.expected["loss"].get<std::vector<double>>();
        const auto norms = one.expected["grad_norm"].get<std::vector<double>>();
        QCOMPARE(seen.steps.size(), losses.size());
        for (std::size_t s = 0; s < losses.size(); ++s) {
            near(seen.steps[s].loss.total, losses[s], 1e-5, "loss", s + 1);
            near(seen.steps[s].outcome.gradNorm / norms[s], 1.0, 1e-4, "gradient norm", s + 1);
        }
        near(seen.validation.at(0), one.expected["val_before"], 1e-5, "validation", 0);
        near(seen.validation.at(spec.maxSteps), one.expected["val_after"], 1e-5, "validation", losses.size());
    }

    static void near(double actual, double expected, double tolerance, const char* what, std::size_t step) {
        const auto text = QString("%1 of step %2: %3, expected %4, off by %5")
                              .arg(what)
                              .arg(step)
                              .arg(actual, 0, 'g', 9)
                              .arg(expected, 0, 'g', 9)
                              .arg(actual - expected, 0, 'e', 2);
        QVERIFY2(std::abs(actual - expected) <= tolerance, qPrintable(text));
    }
};

QTEST_APPLESS_MAIN(TestOracle)
#include "tst_oracle.moc"
