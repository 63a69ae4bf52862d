// SPDX-License-Identifier: Apache-2.0
#include "models/trainingplan.h"

#include "base/paths.h"

namespace fairy2::itemmodels {
namespace {

base::Result<void> resolve(const std::vector<std::string>& overrides, TrainingPlan& plan) {
    FAIRY2_ASSIGN(plan.composition, config::compose(overrides));
    FAIRY2_ASSIGN(plan.spec, config::RunSpec::fromConfig(plan.composition->tree));
    if (plan.spec->modelPath.empty())
        return base::badInput("no model is chosen", {}, "model.path", "open one on the Models page");
    FAIRY2_ASSIGN(plan.model, models::Checkpoint::open(plan.spec->modelPath));
    if (plan.spec->tokens.empty())
        return base::badInput("no training tokens are chosen", {}, "data.tokens",
                              "choose a file of token rows");
    FAIRY2_ASSIGN(plan.rows, rowShape(plan.spec->tokens, plan.spec->tokensKey));
    plan.estimate = estimateTraining(*plan.spec, *plan.model, plan.rows.length);
    if (plan.spec->maxSteps <= 0)
        return base::badInput("a run needs at least one step", {}, "training.max_steps");
    FAIRY2_TRY(base::findProgram("fairy2"));
    FAIRY2_TRY(base::findProgram("fairy2-trainer"));
    return {};
}

} // namespace

TrainingPlan planTraining(const std::vector<std::string>& overrides) {
    TrainingPlan plan;
    if (auto resolved = resolve(overrides, plan); !resolved) plan.problem = std::move(resolved).error();
    return plan;
}

} // namespace fairy2::itemmodels
