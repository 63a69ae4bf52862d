// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "quant/recipe.h"

namespace fairy2::config {

/// The resolved configuration of a training run as the trainer uses it. Keys as in DESIGN §5; every field is
/// filled from the composed tree, which stays beside it word for word.
struct RunSpec {
    // model
    std::string modelPath; ///< model.path: folder or org/name
    std::string modelInit; ///< model.init: "pretrained" or "random" (from config.json alone)
    // training
    quant::ModelRecipe recipe; ///< training.{stages,scale_granularity,quantize_lm_head,layers}
    std::int64_t maxSteps = 0; ///< optimiser steps
    std::int64_t microBatchSize = 8;
    std::int64_t gradientAccumulation = 1;
    std::int64_t sequenceLength = 0; ///< 0 = the length of the rows
    double learningRate = 1e-3;
    std::string schedule = "cosine"; ///< cosine | constant | linear | wsd | fairy2i
    double minLrRatio = 0.05;
    double decayRatio = 0.1; ///< part of the run over which wsd decays
    std::int64_t warmupSteps = 0;
    double weightDecay = 0;
    double clipNorm = 2.0; ///< 0 = off
    double beta1 = 0.9;
    double beta2 = 0.95;
    double eps = 1e-8;
    std::uint64_t seed = 42;
    std::string precision = "fp32"; ///< fp32 | bf16
    std::int64_t saveEvery = 0;     ///< 0 = at the end only
    std::int64_t evalEvery = 0;     ///< 0 = at start and end only
    double ceWeight = 1;            ///< training.ce_weight
    double distillWeight = 0;       ///< training.distill.weight, 0 = no teacher
    double distillTemperature = 1;
    std::string distillTeacher; ///< empty = the model itself in full precision
    // data
    std::string tokens;        ///< data.tokens
    std::string tokensKey;     ///< data.tokens_key, empty = first
    std::string validation;    ///< data.validation, empty = none
    std::string validationKey; ///< data.validation_key
    bool shuffle = true;       ///< data.shuffle
    // run
    std::string runName;
    std::string runDir; ///< run.dir, empty = chosen below the home directory
    std::int64_t worldSize = 1;

    /// lr(s) for step s counted from 0 (DESIGN §5).
    [[nodiscard]] double learningRateAt(std::int64_t step) const;
    /// Reads a composed tree; unknown keys, wrong types and values out of range are errors naming the key,
    /// and so are values that this build cannot honour (never silently ignored).
    [[nodiscard]] static base::Result<RunSpec> fromConfig(const base::Json& tree);
};

} // namespace fairy2::config
