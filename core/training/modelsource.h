// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/runspec.h"
#include "models/checkpoint.h"
#include "training/engine.h"

namespace fairy2::training {

/// A model to build an engine from: its shape, and where its weights come from.
struct ModelSource {
    base::Path folder; ///< of config.json and the tokenizer
    models::ModelSpec spec;
    base::Json config;
    quant::ModelRecipe recipe; ///< stored with the weights; skips everything in an ordinary folder
    models::CheckpointKind kind = models::CheckpointKind::HuggingFace;
    WeightSource weights;
};

/// Any checkpoint by path or name.
[[nodiscard]] base::Result<ModelSource> openModelSource(const std::string& pathOrName);

/// The model a run starts from (model.path, model.init). Baked and packed weights are refused: they are
/// quantised already, and T stages are not idempotent. "random" draws N(0, initializer_range) from the seed,
/// each weight a pure function of (seed, tensor, index), norms are one.
[[nodiscard]] base::Result<ModelSource> openTrainable(const config::RunSpec& spec);

/// The full-precision teacher (training.distill.teacher, else the model itself); its shape must be the
/// student's.
[[nodiscard]] base::Result<WeightSource> openTeacher(const config::RunSpec& spec, const ModelSource& student);

} // namespace fairy2::training
