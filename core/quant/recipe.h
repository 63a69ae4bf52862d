// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <optional>
#include <string>
#include <vector>

namespace fairy2::quant {

/// Which entries share one pair (s_re, s_im).
enum class ScaleGranularity {
    Tensor, ///< all entries of U, all of W (official Fairy2i)
    Row,    ///< one complex row
    Tile64, ///< 64×64 complex entries, ragged at the edges
};
[[nodiscard]] base::Result<ScaleGranularity> parseScaleGranularity(const std::string& text);
[[nodiscard]] const char* name(ScaleGranularity granularity) noexcept; ///< "tensor", "row", "tile64"

/// How one linear layer is quantised. stages 0 or skip = kept in full precision.
struct LayerRecipe {
    int stages = 2; ///< residual stages T, 0..4
    ScaleGranularity scale = ScaleGranularity::Tensor;
    bool skip = false;

    [[nodiscard]] bool quantizes() const noexcept { return stages > 0 && !skip; }
    bool operator==(const LayerRecipe&) const = default;
};

/// The recipe of a whole model: scalar defaults and the list `training.layers`, first match wins (DESIGN §4).
/// One object for analysis, trainer, pack and export.
class ModelRecipe {
public:
    struct Rule {
        std::string
            match; ///< glob over the linear's name without ".weight", e.g. "*.mlp.*"; '*' crosses dots
        std::optional<int> stages;
        std::optional<ScaleGranularity> scale;
        std::optional<bool> skip;
    };
    LayerRecipe defaults;
    bool quantizeLmHead = false; ///< training.quantize_lm_head; a rule that matches "lm_head" overrides it
    std::vector<Rule> rules;

    /// The recipe of the linear called `layer` ("model.layers.3.mlp.up_proj" or "lm_head").
    [[nodiscard]] LayerRecipe forLayer(const std::string& layer) const;

    /// {"stages", "scale_granularity", "quantize_lm_head", "layers": [{match, stages, scale, skip}]}
    [[nodiscard]] base::Json toJson() const;
    [[nodiscard]] static base::Result<ModelRecipe> fromJson(const base::Json& json, const std::string& file);
};

/// Shell-like pattern: '*' any run of characters, '?' one. Case-sensitive.
[[nodiscard]] bool globMatches(std::string_view pattern, std::string_view text) noexcept;

} // namespace fairy2::quant
