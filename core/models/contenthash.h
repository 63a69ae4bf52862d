// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"

#include <cstddef>
#include <span>

namespace fairy2::models {

/// A tensor that decides the function of a model.
struct HashedTensor {
    std::string name;
    tensors::DType type = tensors::DType::F32;
    std::vector<std::int64_t> shape;
    std::span<const std::byte> bytes;
};

/// SHA-256 over what decides the function of a model: the fields of config.json that the forward pass reads,
/// the kind and recipe of what is not an ordinary model, and the tensors in the order given. How they are
/// spread over files does not count. Hashes them on all cores.
[[nodiscard]] std::string contentHash(const ModelSpec& spec, CheckpointKind kind,
                                      const quant::ModelRecipe& recipe,
                                      const std::vector<HashedTensor>& tensors);

} // namespace fairy2::models
