// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "infer/linear.h"
#include "models/checkpoint.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairy2::infer {

/// The seven linear layers of a decoder block.
enum class Linear { Q, K, V, O, Gate, Up, Down };
inline constexpr std::size_t kLinearsPerBlock = 7;
inline constexpr std::array<Linear, kLinearsPerBlock> kLinears = {
    Linear::Q, Linear::K, Linear::V, Linear::O, Linear::Gate, Linear::Up, Linear::Down};

/// "model.layers.3.self_attn.q_proj": the Hugging Face name without ".weight".
[[nodiscard]] std::string linearName(std::int64_t block, Linear linear);

struct BlockWeights {
    std::array<Matrix, kLinearsPerBlock> linears;
    std::vector<float> attentionNorm;
    std::vector<float> mlpNorm;
    std::vector<float> qNorm; ///< of headDim entries, Qwen3 only
    std::vector<float> kNorm;

    [[nodiscard]] const Matrix& operator[](Linear linear) const {
        return linears[static_cast<std::size_t>(linear)];
    }
    [[nodiscard]] Matrix& operator[](Linear linear) { return linears[static_cast<std::size_t>(linear)]; }
};

/// All weights of a decoder in fp32.
struct ModelWeights {
    models::ModelSpec spec;
    Matrix embedding; ///< vocab × hidden
    std::vector<BlockWeights> blocks;
    std::vector<float> finalNorm;
    std::optional<Matrix> ownHead; ///< absent when the embedding serves
    std::vector<float> inverseFrequencies;

    [[nodiscard]] const Matrix& head() const { return ownHead ? *ownHead : embedding; }
};

/// Reads a checkpoint layer by layer in parallel and quantises the linears that `recipe` names; absent, the
/// checkpoint's own recipe for a Master and none for others. Linears with an odd side stay as they are.
/// Errors: a recipe for a baked or packed checkpoint, more memory than there is, tensors that cannot be read.
[[nodiscard]] base::Result<std::shared_ptr<const ModelWeights>>
loadWeights(const models::Checkpoint& checkpoint, const std::optional<quant::ModelRecipe>& recipe,
            const base::Task& task);

} // namespace fairy2::infer
