// SPDX-License-Identifier: Apache-2.0
#include "recipeoptions.h"

#include <algorithm>
#include <fmt/format.h>

namespace fairy2::cli {

std::shared_ptr<RecipeOptions> RecipeOptions::declare(CLI::App& verb, Precision precision) {
    auto options = std::make_shared<RecipeOptions>();
    const bool any = precision == Precision::Any;
    auto* stages = verb.add_option("--stages", options->m_stages,
                                   any ? "residual stages T, 0 (full precision) to 4 (default: as stored)"
                                       : "residual stages T, 1 to 4 (default 2)");
    stages->check(CLI::Range(any ? 0 : 1, 4));
    std::vector<std::string> modes = {"w1", "w2", "w3", "w4"};
    if (any) modes.insert(modes.begin(), "fp");
    auto* mode = verb.add_option("--mode", options->m_mode,
                                 fmt::format("{}: another way to say --stages", fmt::join(modes, ", ")));
    mode->check(CLI::IsMember(modes))->excludes(stages);
    auto* scale =
        verb.add_option("--scale", options->m_scale, "entries that share scales: tensor, row or tile64");
    scale->check(CLI::IsMember({"tensor", "row", "tile64"}));
    auto* layers =
        verb.add_option("--layers", options->m_layers,
                        "rules for single layers, first match wins: "
                        R"('[{"match": "*.down_proj", "stages": 3, "scale": "row", "skip": false}]')");
    auto* head = verb.add_flag("--lm-head", options->m_lmHead, "quantise the output head too");
    options->m_options = {stages, mode, scale, layers, head};
    return options;
}

bool RecipeOptions::given() const {
    return std::any_of(m_options.begin(), m_options.end(),
                       [](const CLI::Option* each) { return each->count() > 0; });
}

base::Result<quant::ModelRecipe> RecipeOptions::recipe() const {
    quant::ModelRecipe recipe;
    if (!m_layers.empty()) {
        FAIRY2_ASSIGN(auto rules, base::parseJson(m_layers, "--layers"));
        FAIRY2_ASSIGN(recipe, quant::ModelRecipe::fromJson({{"layers", std::move(rules)}}, "--layers"));
    }
    recipe.defaults.stages = m_mode.empty() ? m_stages : (m_mode == "fp" ? 0 : m_mode.back() - '0');
    FAIRY2_ASSIGN(recipe.defaults.scale, quant::parseScaleGranularity(m_scale));
    recipe.quantizeLmHead = m_lmHead;
    return recipe;
}

} // namespace fairy2::cli
