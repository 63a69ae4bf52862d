// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/compose.h"
#include "models/rowshape.h"
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
    RowShape rows; ///< of the training tokens
    std::optional<TrainingEstimate> estimate;
    std::optional<base::Error> problem;

    [[nodiscard]] bool canStart() const noexcept { return estimate.has_value() && !problem; }
};

/// Composes, opens the model (headers only), checks all that launching would check. Reads token files: for a
/// worker thread.
[[nodiscard]] TrainingPlan planTraining(const std::vector<std::string>& overrides);

} // namespace fairy2::itemmodels
