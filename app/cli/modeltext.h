// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"
#include "recipeoptions.h"

#include <optional>
#include <string>

namespace fairy2::cli {

/// The recipe the user asked for, or nothing: then a checkpoint is taken as it is stored.
[[nodiscard]] base::Result<std::optional<quant::ModelRecipe>> wantedRecipe(const RecipeOptions& options);

/// "fp", "w2", "w2 row": what a checkpoint computes with this recipe, or with its own when there is none.
[[nodiscard]] std::string modeText(const models::Checkpoint& checkpoint,
                                   const std::optional<quant::ModelRecipe>& recipe);

} // namespace fairy2::cli
