// SPDX-License-Identifier: Apache-2.0
#include "models/trainingplan.h"

#include "base/paths.h"
#include "data/tokenrows.h"
#include "tensors/safetensors.h"

namespace fairy2::itemmodels {
namespace {

// Shape of the rows; a safetensors file tells it in its header, so that a large one costs nothing.
base::Result<void> measureRows(const config::RunSpec& spec, TrainingPlan& plan) {
    if (spec.tokens.empty())
        return base::badInput("no training tokens are chosen", {}, "data.tokens",
                              "choose a file of token rows");
    const base::Path file = spec.tokens;
    if (file.extension() == ".safetensors") {
        FAIRY2_ASSIGN(const auto tokens, tensors::SafetensorsFile::open(file));
        const auto* rows = spec.tokensKey.empty() && !tokens.tensors().empty() ? &tokens.tensors().front()
                                                                               : tokens.find(spec.tokensKey);
        if (rows == nullptr || rows->shape.size() != 2)
            return base::badInput("there is no matrix of token rows under this key", spec.tokens,
                                  "data.tokens_key");
        plan.rows = rows->shape[0];
        plan.rowLength = rows->shape[1];
        return {};
    }
    FAIRY2_ASSIGN(const auto rows, data::TokenRows::open(file, spec.tokensKey));
    plan.rows = rows.rows();
    plan.rowLength = rows.rows() > 0 ? rows.tokens() / rows.rows() : 0;
    return {};
}

base::Result<void> resolve(const std::vector<std::string>& overrides, TrainingPlan& plan) {
    FAIRY2_ASSIGN(plan.composition, config::compose(overrides));
    FAIRY2_ASSIGN(plan.spec, config::RunSpec::fromConfig(plan.composition->tree));
    if (plan.spec->modelPath.empty())
        return base::badInput("no model is chosen", {}, "model.path", "open one on the Models page");
    FAIRY2_ASSIGN(plan.model, models::Checkpoint::open(plan.spec->modelPath));
    FAIRY2_TRY(measureRows(*plan.spec, plan));
    plan.estimate = estimateTraining(*plan.spec, *plan.model, plan.rowLength);
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
