// SPDX-License-Identifier: Apache-2.0
#include "models/evaluation.h"

#include "pack/exportplan.h"

#include "models/inspection.h"

#include <cmath>

namespace fairy2::itemmodels {
namespace {

constexpr double kDenseBits = 16; ///< of a weight kept in full precision, as a packed file stores it (bf16)

template <typename T>
void read(const base::Json& values, const char* key, T& into) {
    const auto found = values.find(key);
    if (found == values.end()) return;
    if constexpr (std::is_same_v<T, std::string>) {
        if (found->is_string()) into = found->template get<std::string>();
    } else {
        if (found->is_number()) into = found->template get<T>();
    }
}

} // namespace

std::string EvaluationMode::name() const {
    if (!stages) return "stored";
    return *stages == 0 ? "fp" : "w" + std::to_string(*stages);
}

EvaluationMode EvaluationMode::parse(const std::string& name) {
    if (name == "fp") return {0};
    if (name.size() == 2 && name[0] == 'w' && name[1] >= '1' && name[1] <= '4') return {name[1] - '0'};
    return {};
}

std::optional<quant::ModelRecipe> EvaluationMode::recipe() const {
    if (!stages) return {};
    quant::ModelRecipe recipe;
    recipe.defaults.stages = *stages;
    return recipe;
}

runs::ResultRow Evaluation::toRow() const {
    runs::ResultRow row;
    row.wallTime = wallTime;
    row.contentHash = contentHash;
    row.label = label;
    row.kind = "ppl";
    row.values = result.toJson();
    row.values["mode"] = mode.name();
    row.values["path"] = path;
    row.values["tokens"] = tokens;
    row.values["key"] = key;
    row.values["max_rows"] = maxRows;
    row.values["bits_per_weight"] = bitsPerWeight;
    row.values["bytes"] = bytes;
    return row;
}

std::optional<Evaluation> Evaluation::fromRow(const runs::ResultRow& row) {
    if (row.kind != "ppl" || !row.values.is_object() || !row.values.contains("nats_per_token")) return {};
    Evaluation evaluation;
    evaluation.result.standardError = std::nan(""); // null when fewer than two rows count
    evaluation.contentHash = row.contentHash;
    evaluation.label = row.label;
    evaluation.wallTime = row.wallTime;
    std::string mode;
    const auto& values = row.values;
    read(values, "mode", mode);
    evaluation.mode = EvaluationMode::parse(mode);
    read(values, "path", evaluation.path);
    read(values, "tokens", evaluation.tokens);
    read(values, "key", evaluation.key);
    read(values, "max_rows", evaluation.maxRows);
    read(values, "bits_per_weight", evaluation.bitsPerWeight);
    read(values, "bytes", evaluation.bytes);
    read(values, "nats_per_token", evaluation.result.natsPerToken);
    read(values, "perplexity", evaluation.result.perplexity);
    read(values, "standard_error", evaluation.result.standardError);
    read(values, "tokens_scored", evaluation.result.tokensScored);
    read(values, "preset", evaluation.result.preset);
    read(values, "engine", evaluation.result.engine);
    return evaluation;
}

EvaluationMode canonicalMode(const models::Checkpoint& checkpoint, const EvaluationMode& mode) {
    switch (checkpoint.kind()) {
    case models::CheckpointKind::HuggingFace:
        return mode.stages ? mode : EvaluationMode{0};
    case models::CheckpointKind::Master:
        return mode;
    case models::CheckpointKind::Baked:
    case models::CheckpointKind::Packed:
        return {};
    }
    return mode;
}

ModelSize sizeInMode(const models::Checkpoint& checkpoint, const EvaluationMode& mode) {
    const auto kind = checkpoint.kind();
    const bool fixed = kind == models::CheckpointKind::Baked || kind == models::CheckpointKind::Packed;
    const bool plain = kind == models::CheckpointKind::HuggingFace && (!mode.stages || *mode.stages == 0);
    if (fixed || plain)
        return {checkpoint.storedBitsPerWeight(), static_cast<double>(checkpoint.storedBytes())};
    // What is quantised on the way counts as what a packed file of it would take.
    pack::ExportOptions packing;
    packing.recipe = mode.recipe();
    const auto plan = pack::planExport(checkpoint, packing);
    if (!plan) return {kDenseBits, static_cast<double>(checkpoint.storedBytes())};
    return {plan->bitsPerWeight, static_cast<double>(plan->expectedBytes)};
}

} // namespace fairy2::itemmodels
