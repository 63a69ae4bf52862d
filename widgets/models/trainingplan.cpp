// SPDX-License-Identifier: Apache-2.0
#include "models/trainingplan.h"

#include "runs/launcher.h"

namespace fairy2::itemmodels {
namespace {

base::Result<void> resolve(const std::vector<std::string>& overrides, TrainingPlan& plan) {
    FAIRY2_ASSIGN(plan.composition, config::compose(overrides));
    FAIRY2_ASSIGN(plan.spec, config::RunSpec::fromConfig(plan.composition->tree));
    FAIRY2_ASSIGN(plan.model, models::Checkpoint::open(plan.spec->modelPath));
    FAIRY2_ASSIGN(plan.rows, rowShape(plan.spec->tokens, plan.spec->tokensKey));
    plan.estimate = estimateTraining(*plan.spec, *plan.model, plan.rows.length);
    FAIRY2_TRY(runs::checkLaunch(*plan.composition));
    return {};
}

} // namespace

TrainingPlan planTraining(const std::vector<std::string>& overrides) {
    TrainingPlan plan;
    if (auto resolved = resolve(overrides, plan); !resolved) plan.problem = std::move(resolved).error();
    return plan;
}

} // namespace fairy2::itemmodels
