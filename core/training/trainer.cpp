// SPDX-License-Identifier: Apache-2.0
#include "training/trainer.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/threads.h"
#include "training/backend.h"
#include "training/gpuengine.h"
#include "training/modelsource.h"
#include "training/runobserver.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fairy2::training {
namespace {

constexpr std::int64_t kRowsAtOnce = 8; // of an evaluation

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

// What an engine must have room for.
struct Extent {
    std::int64_t rows = 1;
    std::int64_t length = 0;
    bool accumulates = false;
};

Extent extentOf(const config::RunSpec& spec, std::int64_t length, const std::vector<Batch>& evaluated) {
    Extent extent{spec.microBatchSize, length, spec.gradientAccumulation > 1};
    for (const Batch& batch : evaluated)
        extent.length = std::max(extent.length, batch.length);
    if (extent.length > length && !backend().gpus.empty())
        base::log(base::LogLevel::Warning,
                  fmt::format("validation rows of {} tokens are longer than the {} trained on: the GPU pads "
                              "training rows to that; cut the validation rows to train faster",
                              extent.length, length));
    return extent;
}

// The first GPU where there is one, else the CPU.
base::Result<std::unique_ptr<Engine>> makeEngine(const models::ModelSpec& spec, const WeightSource& weights,
                                                 const EngineOptions& options, const Extent& extent,
                                                 bool bf16) {
    if (backend().gpus.empty()) return makeTorchEngine(spec, weights, options);
    GpuEngineOptions gpu;
    gpu.rows = extent.rows;
    gpu.sequence = extent.length;
    gpu.bf16 = bf16;
    gpu.accumulates = extent.accumulates;
    return makeGpuEngine(spec, weights, options, gpu);
}

base::Result<EngineOptions> trainingOptions(const config::RunSpec& spec, const ModelSource& model,
                                            int threads) {
    EngineOptions options;
    options.recipe = spec.recipe;
    options.beta1 = spec.beta1;
    options.beta2 = spec.beta2;
    options.eps = spec.eps;
    options.weightDecay = spec.weightDecay;
    options.clipNorm = spec.clipNorm;
    options.threads = threads;
    options.distillation.ceWeight = spec.ceWeight;
    options.distillation.weight = spec.distillWeight;
    options.distillation.temperature = spec.distillTemperature;
    if (spec.distillWeight > 0) {
        FAIRY2_ASSIGN(options.distillation.teacher, openTeacher(spec, model));
    }
    return options;
}

base::Json engineDocument(const Engine& engine, int threads, std::int64_t resumedFrom) {
    std::int64_t parameters = 0;
    std::int64_t quantized = 0;
    for (const ParameterInfo& info : engine.parameters()) {
        parameters += info.elements;
        quantized += info.quantized ? info.elements : 0;
    }
    const auto& gpus = backend().gpus;
    base::Json document = {{"type", "engine"},           {"device", gpus.empty() ? "CPU" : gpus.front().name},
                           {"threads", threads},         {"libtorch", backend().libtorch},
                           {"parameters", parameters},   {"quantized_parameters", quantized},
                           {"resumed_from", resumedFrom}};
    if (auto memory = describeGpuEngine(engine); !memory.is_null()) document["gpu"] = std::move(memory);
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
    const auto evaluated =
        rows.validation ? batchesInOrder(*rows.validation, spec.microBatchSize) : std::vector<Batch>();
    FAIRY2_ASSIGN(const auto options, trainingOptions(spec, model, context.threads));
    FAIRY2_ASSIGN(const auto engine,
                  makeEngine(model.spec, weights, options, extentOf(spec, sampler.length(), evaluated),
                             spec.precision == "bf16"));
    if (latest) FAIRY2_TRY(restoreOptimizer(latest->path, state, *engine));

    FAIRY2_ASSIGN(auto log, runs::RunLogWriter::create(run.logDirectory(), "trainer"));
    RunObserver observer(std::move(log), run.checkpointDirectory(), *engine, context, spec.maxSteps, stop);
    observer.document(state.progress.step, engineDocument(*engine, context.threads, state.progress.step));
    TrainingLoop loop(*engine, spec, sampler, evaluated, observer);
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
    const auto batches = batchesInOrder(rows, kRowsAtOnce, request.maxRows);
    Extent extent{kRowsAtOnce, 0, false};
    for (const Batch& batch : batches)
        extent.length = std::max(extent.length, batch.length);
    FAIRY2_ASSIGN(const auto engine, makeEngine(model.spec, model.weights, options, extent, false));
    FAIRY2_ASSIGN(const auto loss, evaluationLoss(*engine, batches, task));
    return base::Json{{"nats_per_token", loss.natsPerToken},
                      {"perplexity", std::exp(loss.natsPerToken)},
                      {"standard_error", loss.standardError},
                      {"tokens_scored", loss.tokensScored},
                      {"preset", "rows"},
                      {"engine", "torch"}};
}

} // namespace fairy2::training
