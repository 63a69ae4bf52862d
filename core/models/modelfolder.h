// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"

namespace fairy2::models {

/// What the JSON files of a model folder say, before any weight is looked at.
struct ModelFolder {
    base::Path path;
    base::Json config; ///< config.json as it stands
    ModelSpec spec;    ///< of config.json, with the eos and bos ids of generation_config.json
    CheckpointKind kind = CheckpointKind::HuggingFace;
    quant::ModelRecipe recipe; ///< of fairy2.json; skips everything in an ordinary folder
    base::Json marker;         ///< fairy2.json as it stands, or null
};

/// Reads config.json, generation_config.json (optional) and fairy2.json (optional:
/// {"format": 1, "kind": "master"|"baked"|"packed", "recipe": {…}, …}).
/// Refuses weights that another tool has quantised, naming it.
[[nodiscard]] base::Result<ModelFolder> readModelFolder(const base::Path& folder);

/// Every linear layer of a model of this shape, lm_head last even when it is tied; those with an odd
/// dimension are not quantizable and say so.
[[nodiscard]] std::vector<LinearInfo> linearsOf(const ModelSpec& spec);

} // namespace fairy2::models
