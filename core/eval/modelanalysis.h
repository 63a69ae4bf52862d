// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "models/checkpoint.h"
#include "quant/analysis.h"

namespace fairy2::eval {

/// What quantising a model does to the weights of each of its linears.
struct ModelAnalysis {
    std::string model; ///< display name
    base::Path path;
    quant::ModelRecipe recipe;
    std::vector<quant::LayerReport> layers; ///< in the order of the model
    struct Skipped {
        std::string name;
        std::string reason;
    };
    std::vector<Skipped> skipped;
    double bitsPerWeight = 0; ///< over the layers analysed, scales included
    double relativeError = 0; ///< ‖A − A_q‖² / ‖A‖² over all of them together

    [[nodiscard]] base::Json toJson() const; ///< the document of `fairy2 analyze --json`
    /// One line a layer, stage and matrix (U, W), with a line of headings.
    [[nodiscard]] std::string toCsv() const;
};

/// Analyses every linear that matches `glob` and that the recipe quantises, layers in parallel, one fp32 copy
/// of a layer a thread. Refuses baked and packed checkpoints, whose weights are quantised already.
[[nodiscard]] base::Result<ModelAnalysis> analyzeModel(const models::Checkpoint& checkpoint,
                                                       const quant::ModelRecipe& recipe,
                                                       const std::string& glob = "*",
                                                       const base::Task& task = {});

} // namespace fairy2::eval
