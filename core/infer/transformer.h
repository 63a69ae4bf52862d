// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "models/checkpoint.h"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace fairy2::infer {

/// Keys and values of one sequence, grown as it is fed; belongs to the Transformer that made it.
class KvCache;
struct ModelWeights;

/// Decoder forward in fp32 on OpenBLAS, for Llama and Qwen3. Weights are held once; forward is const and may
/// run in several threads with caches of their own. Every call refuses (BadInput) ids outside the vocabulary
/// and sequences longer than spec().maxPositions.
class Transformer {
public:
    /// Loads the weights. `recipe` quantises a HuggingFace or Master checkpoint on the way (absent = the
    /// checkpoint's own recipe); giving one for a baked or packed checkpoint is an error.
    [[nodiscard]] static base::Result<std::shared_ptr<const Transformer>>
    load(const models::Checkpoint& checkpoint, const std::optional<quant::ModelRecipe>& recipe = {},
         const base::Task& task = {});

    [[nodiscard]] const models::ModelSpec& spec() const noexcept;
    [[nodiscard]] const ModelWeights& weights() const noexcept { return *m_weights; }

    /// Whether these ids may stand behind `past` others: what every call below checks first.
    [[nodiscard]] base::Result<void> check(std::span<const std::int32_t> ids, std::int64_t past = 0) const;

    /// Logits [ids.size(), vocab] of a sequence that starts at position 0, row-major.
    [[nodiscard]] base::Result<std::vector<float>> logits(std::span<const std::int32_t> ids) const;

    /// Negative log-likelihood in nats of ids[1..], each given what stands before it: ids.size() − 1 values.
    /// Never holds all logits of a long row at once. Runs in the calling thread: parallel over rows.
    [[nodiscard]] base::Result<std::vector<float>> nll(std::span<const std::int32_t> ids) const;

    /// Feeds tokens (at least one) behind what the cache holds and returns the logits [vocab] after the last.
    [[nodiscard]] base::Result<std::vector<float>> step(std::span<const std::int32_t> ids,
                                                        KvCache& cache) const;
    [[nodiscard]] std::unique_ptr<KvCache, void (*)(KvCache*)> makeCache() const;

private:
    explicit Transformer(std::shared_ptr<const ModelWeights> weights) : m_weights(std::move(weights)) {}
    std::shared_ptr<const ModelWeights> m_weights;
};

} // namespace fairy2::infer
