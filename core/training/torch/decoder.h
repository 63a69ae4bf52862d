// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/spec.h"

#include <ATen/core/Tensor.h>
#include <vector>

namespace fairy2::training {

/// Weights of one block as the forward pass multiplies with them. qNorm and kNorm are undefined for Llama.
struct BlockWeights {
    at::Tensor inputNorm, q, k, v, qNorm, kNorm, o;
    at::Tensor postNorm, gate, up, down;
};

/// A whole decoder. Tensors may be leaves of autograd or plain ones.
struct DecoderWeights {
    at::Tensor embedding; ///< [vocab, hidden]
    std::vector<BlockWeights> blocks;
    at::Tensor finalNorm;
    at::Tensor head; ///< [vocab, hidden]; the embedding itself when tied and not quantised
};

/// cos and sin of RoPE for positions 0..length−1, [length, headDim/2] each.
struct RopeTable {
    at::Tensor cos, sin;
};
[[nodiscard]] RopeTable makeRopeTable(const models::ModelSpec& spec, std::int64_t length,
                                      const at::TensorOptions& options);

/// From embedded tokens [rows, length, hidden] to the hidden state behind the final norm, same shape.
[[nodiscard]] at::Tensor decoderForward(const models::ModelSpec& spec, const DecoderWeights& weights,
                                        const RopeTable& rope, at::Tensor embedded);

} // namespace fairy2::training
