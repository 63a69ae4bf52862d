// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/progress.h"
#include "quant/recipe.h"

#include <optional>
#include <string>

namespace fairy2::cli {

struct TorchEvaluation {
    std::string checkpoint;
    std::string tokens;
    std::string key;
    std::int64_t maxRows = 0;
    std::optional<quant::ModelRecipe> recipe;
};

/// Asks the trainer, a child process, for the loss over token rows and gives back its document, which has the
/// fields of `eval ppl`. A failure of the trainer comes back as it was told.
[[nodiscard]] base::Result<base::Json> evaluateInTrainer(const TorchEvaluation& evaluation,
                                                         const base::Task& task);

} // namespace fairy2::cli
