// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/location.h"
#include "models/modelfolder.h"
#include "pack/packedlayer.h"

namespace fairy2::pack {

/// The file of a packed folder that holds its tensors. It is not called model.safetensors because loaders
/// that look for that name and skip a quantization method they do not know would go on with random weights.
inline constexpr const char* kPackedFile = "packed.safetensors";

/// Names of the two tensors of a packed layer.
[[nodiscard]] std::string codesName(const std::string& layer);
[[nodiscard]] std::string scalesName(const std::string& layer);

/// How the linears of a model of this shape are packed under a recipe: name and shape of each that is, in the
/// order of linearsOf(); those left out are dense.
struct PackedSlot {
    std::string layer;
    PackedShape shape;
};
[[nodiscard]] std::vector<PackedSlot> packedSlots(const models::ModelSpec& spec,
                                                  const quant::ModelRecipe& recipe);

/// Opens a folder of kind packed. Every tensor that config.json and the recipe call for must be there with
/// its type and shape, and no other. Each is checked against its CRC-32C in fairy2.json when it is read, so a
/// flipped bit is an error and never a weight.
[[nodiscard]] base::Result<std::shared_ptr<const models::Checkpoint>>
openPacked(models::ModelFolder folder, const models::Location& location);

} // namespace fairy2::pack
