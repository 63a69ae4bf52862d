// SPDX-License-Identifier: Apache-2.0
#include "training/trainer.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/threads.h"
#include "training/backend.h"
#include "training/gpuengine.h"
#include "training/modelsource.h"
#include "training/runobserver.h"

#include <cmath>
#include <fmt/format.h>

namespace fairy2::training {
namespace {

EngineOptions engineOptions(const config::RunSpec& spec, int threads) {
    EngineOptions options;
    options.recipe = spec.recipe;
    options.beta1 = spec.beta1;
    options.beta2 = spec.beta2;
    options.eps = spec.eps;
    options.weightDecay = spec.weightDecay;
    options.clipNorm = spec.clipNorm;
    options.threads = threads;
    return options;
}

// Rows to train on, and those to validate with if any.
struct Rows {
    data::TokenRows train;
    std::optional<data::TokenRows> validation;
};

base::Result<Rows> openRows(const config::RunSpec& spec, std::int64_t vocabSize) {
    if (spec.tokens.empty())
        return base::badInput("there is nothing to train on", {}, "data.tokens",
                              "data.tokens=FILE.safetensors with rows of token ids");
    Rows rows;
    FAIRY2_ASSIGN(rows.train, data::TokenRows::open(spec.tokens, spec.tokensKey, vocabSize));
    if (spec.validation.empty()) return rows;
    FAIRY2_ASSIGN(rows.validation, data::TokenRows::open(spec.validation, spec.validationKey, vocabSize));
    return rows;
}

base::Result<void> checkPrecision(const config::RunSpec& spec) {
    if (spec.precision != "bf16" || !backend().gpus.empty()) return {};
    return base::badInput("bf16 trains on a GPU only; " + backend().reason, {}, "training.precision",
                          "training.precision=fp32 trains on the CPU");
}

// The GPU's plan is made for the longest row it will see.
std::int64_t longestRow(const Rows& rows, std::int64_t trained) {
    std::int64_t longest = trained;
    for (std::int64_t row = 0; rows.validation && row < rows.validation->rows(); ++row)
        longest = std::max(longest, static_cast<std::int64_t>(rows.validation->row(row).size()));
    if (longest > trained)
        base::log(base::LogLevel::Warning,
                  fmt::format("validation rows of {} tokens are longer than the {} trained on: the GPU pads "
                              "training rows to that; cut the validation rows to train faster",
                              longest, trained));
    return longest;
}

base::Result<std::unique_ptr<Engine>> buildEngine(const config::RunSpec& spec, const ModelSource& base,
                                                  const WeightSource& weights, int threads, const Rows& rows,
                                                  std::int64_t rowLength) {
    auto options = engineOptions(spec, threads);
    options.distillation.ceWeight = spec.ceWeight;
    options.distillation.weight = spec.distillWeight;
    options.distillation.temperature = spec.distillTemperature;
    if (spec.distillWeight > 0) {
        FAIRY2_ASSIGN(options.distillation.teacher, openTeacher(spec, base));
    }
    if (backend().gpus.empty()) return makeTorchEngine(base.spec, weights, options);
    GpuEngineOptions gpu;
    gpu.rows = spec.microBatchSize;
    gpu.sequence = longestRow(rows, rowLength);
    gpu.bf16 = spec.precision == "bf16";
    gpu.accumulates = spec.gradientAccumulation > 1;
    return makeGpuEngine(base.spec, weights, options, gpu);
}

base::Json engineDocument(const Engine& engine, int threads, std::int64_t resumedFrom) {
    std::int64_t parameters = 0;
    std::int64_t quantized = 0;
    for (const ParameterInfo& info : engine.parameters()) {
        parameters += info.elements;
        quantized += info.quantized ? info.elements : 0;
    }
    base::Json document{{"type", "engine"},           {"device", "cpu"},
                        {"threads", threads},         {"libtorch", backend().libtorch},
                        {"parameters", parameters},   {"quantized_parameters", quantized},
                        {"resumed_from", resumedFrom}};
    if (const auto gpu = describeGpuEngine(engine); !gpu.is_null()) {
        document["device"] = backend().gpus.front().name;
        document["gpu"] = gpu;
    }
    return document;
}

} // namespace

base::Result<void> train(const base::Path& runDirectory, bool resume, const base::Cancel& stop) {
    FAIRY2_ASSIGN(const auto run, runs::RunDirectory::open(runDirectory));
    FAIRY2_ASSIGN(const auto lock, base::FileLock::tryLock(run.path() / "trainer.lock"));
    FAIRY2_ASSIGN(const auto spec, config::RunSpec::fromConfig(run.config()));
    FAIRY2_TRY(checkPrecision(spec));
    const auto latest = run.latestCheckpoint();
    if (latest && !resume)
        return base::fail(base::ErrorCode::Usage,
                          fmt::format("the run has a checkpoint of step {}", latest->step),
                          run.path().string(), {}, "add --resume, or start a new run");
    removeUnfinishedCheckpoints(run.checkpointDirectory());

    FAIRY2_ASSIGN(const auto model, openTrainable(spec));
    FAIRY2_ASSIGN(const auto rows, openRows(spec, model.spec.vocabSize));
    FAIRY2_ASSIGN(const auto sampler,
                  RowSampler::create(rows.train, spec.sequenceLength, spec.shuffle, spec.seed));
    CheckpointContext context{
        model.folder, model.config,       spec.recipe, run.uuid(), base::sha256Hex(run.config().dump()),
        spec.seed,    base::threadCount()};
    SavedState state;
    WeightSource weights = model.weights;
    if (latest) {
        FAIRY2_ASSIGN(state, readSavedState(latest->path, context));
        FAIRY2_ASSIGN(const auto saved, openModelSource(latest->path.string()));
        weights = saved.weights;
        context.threads = state.threads;
    }
    FAIRY2_ASSIGN(const auto engine,
                  buildEngine(spec, model, weights, context.threads, rows, sampler.length()));
    if (latest) FAIRY2_TRY(restoreOptimizer(latest->path, state, *engine));

    FAIRY2_ASSIGN(auto log, runs::RunLogWriter::create(run.logDirectory(), "trainer"));
    RunObserver observer(std::move(log), run.checkpointDirectory(), *engine, context, spec.maxSteps, stop);
    observer.document(state.progress.step, engineDocument(*engine, context.threads, state.progress.step));
    TrainingLoop loop(*engine, spec, sampler, rows.validation ? &*rows.validation : nullptr, observer);
    FAIRY2_ASSIGN(const auto end, loop.run(state.progress, stop));
    base::log(
        base::LogLevel::Info,
        fmt::format("{} at step {}", end == LoopEnd::Finished ? "finished" : "stopped", state.progress.step));
    return {};
}

base::Result<base::Json> evaluate(const EvaluationRequest& request, const base::Task& task) {
    FAIRY2_ASSIGN(const auto model, openModelSource(request.model));
    const bool alreadyQuantized =
        model.kind == models::CheckpointKind::Baked || model.kind == models::CheckpointKind::Packed;
    if (alreadyQuantized && request.recipe)
        return base::badInput("the weights are quantised already", request.model, "stages",
                              "leave out --stages and --scale");
    FAIRY2_ASSIGN(const auto rows, data::TokenRows::open(request.tokens, request.key, model.spec.vocabSize));

    EngineOptions options;
    options.trainable = false;
    options.threads = base::threadCount();
    options.recipe = request.recipe.value_or(model.recipe);
    if (alreadyQuantized) options.recipe = quant::ModelRecipe{{0}, false, {}};
    FAIRY2_ASSIGN(const auto engine, makeTorchEngine(model.spec, model.weights, options));
    constexpr std::int64_t kRowsAtOnce = 8;
    FAIRY2_ASSIGN(const auto loss,
                  evaluationLoss(*engine, batchesInOrder(rows, kRowsAtOnce, request.maxRows), task));
    return base::Json{{"nats_per_token", loss.natsPerToken},
                      {"perplexity", std::exp(loss.natsPerToken)},
                      {"standard_error", loss.standardError},
                      {"tokens_scored", loss.tokensScored},
                      {"preset", "rows"},
                      {"engine", "torch"}};
}

} // namespace fairy2::training
