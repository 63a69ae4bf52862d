// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/compose.h"
#include "models/trainingestimate.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairy2::itemmodels {

/// What a list of overrides leads to: as far as it can be resolved, and the first reason why it cannot start.
struct TrainingPlan {
    std::optional<config::Composition> composition;
    std::optional<config::RunSpec> spec;
    std::shared_ptr<const models::Checkpoint> model;
    std::int64_t rows = 0; ///< of token ids; 0 = not counted
    std::int64_t rowLength = 0;
    std::optional<TrainingEstimate> estimate;
    std::optional<base::Error> problem;

    [[nodiscard]] bool canStart() const noexcept { return estimate.has_value() && !problem; }
};

/// Composes, opens the model (headers only) and the token rows, and looks for the trainer. Touches files: for
/// a worker thread.
[[nodiscard]] TrainingPlan planTraining(const std::vector<std::string>& overrides);

} // namespace fairy2::itemmodels
