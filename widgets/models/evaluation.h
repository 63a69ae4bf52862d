// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "eval/perplexity.h"
#include "runs/registry.h"

#include <optional>
#include <string>

namespace fairy2::itemmodels {

/// What a checkpoint is evaluated as: its own stored form, or an ordinary model quantised on the way.
struct EvaluationMode {
    /// Absent = as stored; else the residual stages T, 0 = full precision.
    std::optional<int> stages;
    [[nodiscard]] std::string name() const; ///< "stored", "fp", "w1", "w2"
    [[nodiscard]] static EvaluationMode parse(const std::string& name);
    /// The recipe that infer::Transformer::load is given.
    [[nodiscard]] std::optional<quant::ModelRecipe> recipe() const;
    bool operator==(const EvaluationMode&) const = default;
};

/// The loss of one checkpoint in one mode on one set of token rows: what the registry keeps of kind "ppl".
struct Evaluation {
    std::string contentHash;
    std::string label;
    std::string path; ///< of the checkpoint when it was evaluated
    EvaluationMode mode;
    std::string tokens;       ///< file
    std::string key;          ///< inside the file, or empty
    std::int64_t maxRows = 0; ///< only so many rows were scored; 0 = all
    double wallTime = 0;
    eval::Perplexity result;
    double bitsPerWeight = 0; ///< over the linears, scales included
    double bytes = 0;         ///< of the weights in that mode

    [[nodiscard]] runs::ResultRow toRow() const;
    /// Nothing when the row is of another kind or lacks a field.
    [[nodiscard]] static std::optional<Evaluation> fromRow(const runs::ResultRow& row);
};

/// The mode that gives the same weights and has one name: an ordinary model as stored is full precision, and
/// what is already quantised can only be taken as it is stored.
[[nodiscard]] EvaluationMode canonicalMode(const models::Checkpoint& checkpoint, const EvaluationMode& mode);

/// Bits per weight over the linears and bytes of all weights of a checkpoint in a mode, from shapes alone.
struct ModelSize {
    double bitsPerWeight = 0;
    double bytes = 0;
};
[[nodiscard]] ModelSize sizeInMode(const models::Checkpoint& checkpoint, const EvaluationMode& mode);

} // namespace fairy2::itemmodels
