// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/location.h"
#include "models/modelfolder.h"

namespace fairy2::models {

/// Opens the weights of a folder whose tensors are ordinary float matrices: HuggingFace, Master and Baked.
/// Every tensor of the model must be there in a float type with the shape that config.json gives it, and no
/// other, except derived ones and a copy of the embedding under the name of a tied head.
[[nodiscard]] base::Result<std::shared_ptr<const Checkpoint>> openDense(ModelFolder folder,
                                                                        const Location& location);

} // namespace fairy2::models
