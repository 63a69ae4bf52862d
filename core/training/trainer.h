// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"
#include "base/json.h"
#include "base/progress.h"
#include "quant/recipe.h"

#include <optional>

namespace fairy2::training {

/// Runs the training described by a run directory until it is done or `stop` is requested; then it saves at
/// the next step boundary and returns. Reads run.json, writes log/ and checkpoints/. `resume` continues from
/// the latest verified checkpoint, with the thread count of the first start: in fp32 on one machine the
/// losses and weights are then those of an uninterrupted run, bit for bit. Without `resume` a run that has
/// checkpoints is refused. One trainer a run: a second one is refused while the first lives.
[[nodiscard]] base::Result<void> train(const base::Path& runDirectory, bool resume, const base::Cancel& stop);

struct EvaluationRequest {
    std::string model;
    std::string tokens; ///< file of rows
    std::string key;    ///< tensor in it, empty = first
    std::int64_t maxRows = 0;
    /// Replaces the checkpoint's own recipe; refused for weights that are quantised already.
    std::optional<quant::ModelRecipe> recipe;
};

/// Mean loss of a checkpoint over token rows with LibTorch; the fields of `fairy2 eval ppl --json`.
[[nodiscard]] base::Result<base::Json> evaluate(const EvaluationRequest& request,
                                                const base::Task& task = {});

} // namespace fairy2::training
