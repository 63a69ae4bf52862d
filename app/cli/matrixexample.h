// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/recipe.h"
#include "verb.h"

namespace fairy2::cli {

/// `quantize --matrix`: a small matrix worked through step by step (U, W, codes, scales, A_q).
/// `text` is a JSON list of rows, e.g. "[[3,-1],[2,1]]".
[[nodiscard]] base::Result<Outcome> matrixExample(const std::string& text, const quant::LayerRecipe& recipe);

} // namespace fairy2::cli
