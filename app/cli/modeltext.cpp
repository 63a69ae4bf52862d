// SPDX-License-Identifier: Apache-2.0
#include "modeltext.h"

#include <fmt/format.h>

namespace fairy2::cli {

base::Result<std::optional<quant::ModelRecipe>> wantedRecipe(const RecipeOptions& options) {
    if (!options.given()) return std::optional<quant::ModelRecipe>();
    FAIRY2_ASSIGN(auto recipe, options.recipe());
    return std::optional(std::move(recipe));
}

std::string modeText(const models::Checkpoint& checkpoint, const std::optional<quant::ModelRecipe>& recipe) {
    if (!recipe && checkpoint.kind() == models::CheckpointKind::HuggingFace) return "fp";
    const auto& used = recipe ? *recipe : checkpoint.recipe();
    std::string text = used.defaults.quantizes() ? fmt::format("w{}", used.defaults.stages) : "fp";
    if (used.defaults.quantizes() && used.defaults.scale != quant::ScaleGranularity::Tensor)
        text += std::string(" ") + name(used.defaults.scale);
    if (!used.rules.empty()) text += " mixed";
    return text;
}

} // namespace fairy2::cli
