// SPDX-License-Identifier: Apache-2.0
#include "models/trainingestimate.h"

#include <unistd.h>

namespace fairy2::itemmodels {
namespace {

constexpr double kFloat = 4;

// Floats that autograd keeps for the backward pass per token and block: inputs and outputs of both norms, of
// the projections and of RoPE, the attention's output, and four vectors of the MLP.
double blockActivations(const models::ModelSpec& spec) {
    const auto hidden = static_cast<double>(spec.hiddenSize);
    const auto queries = static_cast<double>(spec.heads * spec.headDim);
    const auto keys = static_cast<double>(spec.kvHeads * spec.headDim);
    return 6 * hidden + 3 * queries + 4 * keys + 4 * static_cast<double>(spec.intermediateSize);
}

} // namespace

TrainingEstimate estimateTraining(const config::RunSpec& spec, const models::Checkpoint& checkpoint,
                                  std::int64_t rowLength) {
    const auto& model = checkpoint.spec();
    const auto parameters = static_cast<double>(model.parameters());
    const auto layers = static_cast<double>(model.layers);
    const auto vocabulary = static_cast<double>(model.vocabSize);
    const auto length = static_cast<double>(spec.sequenceLength > 0 ? spec.sequenceLength : rowLength);
    const double microTokens = static_cast<double>(spec.microBatchSize) * length;
    const double half = spec.precision == "bf16" ? 0.5 : 1;

    TrainingEstimate estimate;
    estimate.masterBytes = kFloat * parameters;
    estimate.gradientBytes = kFloat * parameters;
    estimate.optimizerBytes = 2 * kFloat * parameters;
    double linearWeights = 0;
    for (const auto& linear : checkpoint.linears()) {
        const auto count = static_cast<double>(linear.rows) * static_cast<double>(linear.cols);
        linearWeights += count;
        if (linear.quantizable && spec.recipe.forLayer(linear.name).quantizes())
            estimate.quantizedBytes += kFloat * half * count;
    }
    // Logits and their gradient, both in fp32.
    estimate.activationBytes =
        microTokens * (kFloat * half * layers * blockActivations(model) + 2 * kFloat * vocabulary);

    estimate.tokensPerStep =
        microTokens * static_cast<double>(spec.gradientAccumulation) * static_cast<double>(spec.worldSize);
    estimate.tokens = estimate.tokensPerStep * static_cast<double>(spec.maxSteps);
    // 6 per weight of every product, plus causal attention: 12·d·length/2 per token and block.
    const double head = model.tiedEmbeddings ? vocabulary * static_cast<double>(model.hiddenSize) : 0;
    const double attention = 6 * layers * static_cast<double>(model.heads * model.headDim) * length;
    estimate.flop = estimate.tokens * (6 * (linearWeights + head) + attention);
    return estimate;
}

std::optional<double> physicalMemory() {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long size = ::sysconf(_SC_PAGE_SIZE);
    if (pages <= 0 || size <= 0) return {};
    return static_cast<double>(pages) * static_cast<double>(size);
}

} // namespace fairy2::itemmodels
