// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"
#include "training/loop.h"

namespace fairy2::training {

/// What a checkpoint records beside the tensors.
struct CheckpointContext {
    base::Path companions; ///< folder of the model trained from: tokenizer and generation settings are copied
    base::Json modelConfig; ///< its config.json
    quant::ModelRecipe recipe;
    std::string run;          ///< uuid
    std::string configSha256; ///< of the run's resolved configuration
    std::uint64_t seed = 0;
    int threads = 1;
};

/// Writes `folder`/step-N so that it appears whole or not at all: all files under step-N.tmp-UUID, each
/// synced, a manifest with their SHA-256, a rename, a sync of the parent. Files: model.safetensors (fp32
/// masters, Hugging Face names), config.json, tokenizer files, fairy2.json (kind master, recipe),
/// optim.safetensors (m.NAME, v.NAME: moments of AdamW), state.json (Progress, updates, seed, threads, hash
/// of the configuration). Refuses beforehand when the disk has too little space; a failed save leaves
/// nothing. Returns the SHA-256 of the manifest.
[[nodiscard]] base::Result<std::string> writeTrainingCheckpoint(const base::Path& folder,
                                                                const Engine& engine,
                                                                const Progress& progress,
                                                                const CheckpointContext& context);

/// The name of the folder of a step: "step-000020".
[[nodiscard]] std::string checkpointName(std::int64_t step);

/// state.json, checked against the run that resumes.
struct SavedState {
    Progress progress;
    std::int64_t updates = 0;
    int threads = 1;
};
[[nodiscard]] base::Result<SavedState> readSavedState(const base::Path& checkpoint,
                                                      const CheckpointContext& context);

/// Puts the moments of optim.safetensors and the update counter into an engine that was built with the
/// weights of this checkpoint.
[[nodiscard]] base::Result<void> restoreOptimizer(const base::Path& checkpoint, const SavedState& state,
                                                  Engine& engine);

/// Removes what saves that were interrupted left behind. Only for the one process that writes the folder.
void removeUnfinishedCheckpoints(const base::Path& folder);

} // namespace fairy2::training
