// SPDX-License-Identifier: Apache-2.0
#include "infer/weights.h"

#include "base/threads.h"
#include "quant/quantizer.h"

#include <fmt/format.h>
#include <mutex>
#include <unistd.h>

namespace fairy2::infer {
namespace {

using models::CheckpointKind;

constexpr std::array<const char*, kLinearsPerBlock> kLinearNames = {
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};

// One tensor to read, and where it goes.
struct Job {
    std::string tensor;
    std::int64_t rows;
    std::int64_t cols;
    std::vector<float>* target;
    quant::LayerRecipe recipe{0, quant::ScaleGranularity::Tensor, true};
};

quant::ModelRecipe fullPrecision() {
    quant::ModelRecipe recipe;
    recipe.defaults.stages = 0;
    return recipe;
}

base::Result<quant::ModelRecipe> effectiveRecipe(const models::Checkpoint& checkpoint,
                                                 const std::optional<quant::ModelRecipe>& wanted) {
    const auto kind = checkpoint.kind();
    const bool quantizedAlready = kind == CheckpointKind::Baked || kind == CheckpointKind::Packed;
    if (quantizedAlready && wanted)
        return base::badInput(
            fmt::format("a {} checkpoint is quantised already and must not be quantised again", name(kind)),
            checkpoint.path().string(), {},
            "leave the mode out, or take the master checkpoint that it was made from");
    if (wanted) return *wanted;
    return kind == CheckpointKind::Master ? checkpoint.recipe() : fullPrecision();
}

bool evenSides(std::int64_t rows, std::int64_t cols) {
    return rows % 2 == 0 && cols % 2 == 0;
}

// Every tensor of the model with its place in `weights`, whose containers are made here.
std::vector<Job> planJobs(ModelWeights& weights, const quant::ModelRecipe& recipe) {
    const auto& spec = weights.spec;
    const auto qWidth = spec.heads * spec.headDim;
    const auto kvWidth = spec.kvHeads * spec.headDim;
    std::vector<Job> jobs;
    const auto addMatrix = [&](const std::string& name, Matrix& matrix, std::int64_t rows, std::int64_t cols,
                               const quant::LayerRecipe& layer) {
        matrix.rows = rows;
        matrix.cols = cols;
        jobs.push_back({name + ".weight", rows, cols, &matrix.values, layer});
    };
    const auto addVector = [&](const std::string& name, std::vector<float>& values, std::int64_t size) {
        jobs.push_back({name + ".weight", 1, size, &values});
    };
    const auto addLinear = [&](const std::string& name, Matrix& matrix, std::int64_t rows,
                               std::int64_t cols) {
        addMatrix(name, matrix, rows, cols, recipe.forLayer(name));
    };
    const quant::LayerRecipe untouched{0, quant::ScaleGranularity::Tensor, true};

    // The largest tensors first, so that no thread is left alone with one at the end.
    addMatrix("model.embed_tokens", weights.embedding, spec.vocabSize, spec.hiddenSize, untouched);
    // A quantised tied head is a matrix of its own: the embedding stays as it is.
    if (!spec.tiedEmbeddings || recipe.forLayer("lm_head").quantizes())
        addLinear("lm_head", weights.ownHead.emplace(), spec.vocabSize, spec.hiddenSize);
    weights.blocks.resize(static_cast<std::size_t>(spec.layers));
    for (std::int64_t b = 0; b < spec.layers; ++b) {
        auto& block = weights.blocks[static_cast<std::size_t>(b)];
        const auto prefix = fmt::format("model.layers.{}.", b);
        addLinear(linearName(b, Linear::Q), block[Linear::Q], qWidth, spec.hiddenSize);
        addLinear(linearName(b, Linear::K), block[Linear::K], kvWidth, spec.hiddenSize);
        addLinear(linearName(b, Linear::V), block[Linear::V], kvWidth, spec.hiddenSize);
        addLinear(linearName(b, Linear::O), block[Linear::O], spec.hiddenSize, qWidth);
        addLinear(linearName(b, Linear::Gate), block[Linear::Gate], spec.intermediateSize, spec.hiddenSize);
        addLinear(linearName(b, Linear::Up), block[Linear::Up], spec.intermediateSize, spec.hiddenSize);
        addLinear(linearName(b, Linear::Down), block[Linear::Down], spec.hiddenSize, spec.intermediateSize);
        addVector(prefix + "input_layernorm", block.attentionNorm, spec.hiddenSize);
        addVector(prefix + "post_attention_layernorm", block.mlpNorm, spec.hiddenSize);
        if (!spec.qkNorm) continue;
        addVector(prefix + "self_attn.q_norm", block.qNorm, spec.headDim);
        addVector(prefix + "self_attn.k_norm", block.kNorm, spec.headDim);
    }
    addVector("model.norm", weights.finalNorm, spec.hiddenSize);
    return jobs;
}

base::Result<void> run(const Job& job, const models::Checkpoint& checkpoint) {
    FAIRY2_ASSIGN(auto values, checkpoint.readFloat(job.tensor));
    if (static_cast<std::int64_t>(values.size()) != job.rows * job.cols)
        return base::badInput(
            fmt::format("expected {} × {} values, found {}", job.rows, job.cols, values.size()),
            checkpoint.path().string(), job.tensor);
    if (job.recipe.quantizes() && evenSides(job.rows, job.cols)) {
        auto quantized = quant::fakeQuantize({values.data(), job.rows, job.cols}, job.recipe);
        if (!quantized) {
            auto error = std::move(quantized).error();
            error.file = checkpoint.path().string();
            error.field = job.tensor;
            return tl::unexpected(std::move(error));
        }
        values = std::move(*quantized);
    }
    *job.target = std::move(values);
    return {};
}

// Refuses before the kernel's out-of-memory killer would.
base::Result<void> checkMemory(const std::vector<Job>& jobs, const models::Checkpoint& checkpoint) {
    double needed = 0;
    for (const auto& job : jobs)
        needed += 4.0 * static_cast<double>(job.rows) * static_cast<double>(job.cols);
    const double installed =
        static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    if (needed < installed) return {};
    constexpr double gib = 1024.0 * 1024.0 * 1024.0;
    return base::fail(base::ErrorCode::Failed,
                      fmt::format("the weights take {:.1f} GiB in fp32 and this machine has {:.1f} GiB",
                                  needed / gib, installed / gib),
                      checkpoint.path().string(), {}, "use a smaller model or a machine with more memory");
}

} // namespace

std::string linearName(std::int64_t block, Linear linear) {
    return fmt::format("model.layers.{}.{}", block, kLinearNames[static_cast<std::size_t>(linear)]);
}

base::Result<std::shared_ptr<const ModelWeights>> loadWeights(const models::Checkpoint& checkpoint,
                                                              const std::optional<quant::ModelRecipe>& wanted,
                                                              const base::Task& task) {
    FAIRY2_ASSIGN(const auto recipe, effectiveRecipe(checkpoint, wanted));
    auto weights = std::make_shared<ModelWeights>();
    weights->spec = checkpoint.spec();
    for (const double frequency : models::ropeInverseFrequencies(weights->spec))
        weights->inverseFrequencies.push_back(static_cast<float>(frequency));
    const auto jobs = planJobs(*weights, recipe);
    FAIRY2_TRY(checkMemory(jobs, checkpoint));

    std::mutex mutex;
    std::optional<base::Error> failure;
    std::int64_t done = 0;
    const auto total = static_cast<std::int64_t>(jobs.size());
    base::parallelFor(total, [&](std::int64_t i) {
        {
            const std::lock_guard lock(mutex);
            if (failure) return;
            if (task.cancelled()) {
                failure = base::cancelled().value();
                return;
            }
        }
        const auto& job = jobs[static_cast<std::size_t>(i)];
        auto result = run(job, checkpoint);
        const std::lock_guard lock(mutex);
        if (!result && !failure) failure = std::move(result).error();
        if (!failure) task.progress(++done, total, "reading " + job.tensor);
    });
    if (failure) return tl::unexpected(std::move(*failure));
    return weights;
}

} // namespace fairy2::infer
