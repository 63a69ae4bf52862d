// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/recipe.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace fairy2::cli {

/// --stages, --mode, --scale, --layers and --lm-head of the verbs that quantise.
class RecipeOptions {
public:
    /// Whether "fp" and no stages at all are choices too.
    enum class Precision { Quantized, Any };
    /// Declares them on a verb; the object lives as long as the verb.
    [[nodiscard]] static std::shared_ptr<RecipeOptions> declare(CLI::App& verb,
                                                                Precision precision = Precision::Quantized);

    /// Whether the user gave any of them.
    [[nodiscard]] bool given() const;
    /// What they amount to; two stages and one scale a tensor where nothing was said.
    [[nodiscard]] base::Result<quant::ModelRecipe> recipe() const;

private:
    int m_stages = 2;
    std::string m_mode;
    std::string m_scale = "tensor";
    std::string m_layers;
    bool m_lmHead = false;
    std::vector<const CLI::Option*> m_options;
};

} // namespace fairy2::cli
