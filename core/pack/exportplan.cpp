// SPDX-License-Identifier: Apache-2.0
#include "pack/exportplan.h"

#include <fmt/format.h>
#include <unordered_map>

namespace fairy2::pack {
namespace {

using Content = PlannedTensor::Content;
using models::CheckpointKind;

constexpr const char* kHead = "lm_head";

base::Result<void> checkSource(const models::Checkpoint& source, const ExportOptions& options) {
    const auto kind = source.kind();
    const auto where = source.path().string();
    if (kind == CheckpointKind::Baked)
        return base::badInput("the weights are quantised already (baked), and quantising them again would "
                              "change them",
                              where, "kind", "export from the checkpoint that they were made from");
    if (kind != CheckpointKind::Packed) return {};
    if (options.recipe)
        return base::badInput("the weights are quantised already (packed), so they take no recipe", where,
                              "kind", "leave out stages, scale and layers, or export from the original");
    if (options.format == Format::Packed)
        return base::badInput("the checkpoint is packed already", where, "kind",
                              "copy the folder, or export it as hf");
    return {};
}

// Why a linear stays dense although the model is quantised.
std::vector<std::string> skippedLinears(const models::Checkpoint& source, const quant::ModelRecipe& recipe) {
    std::vector<std::string> skipped;
    for (const auto& linear : models::linearsOf(source.spec())) {
        if (linear.name == kHead && source.spec().tiedEmbeddings) continue;
        if (!recipe.forLayer(linear.name).quantizes())
            skipped.push_back(linear.name + ": the recipe keeps it in full precision");
        else if (!linear.quantizable)
            skipped.push_back(linear.name + ": " + linear.reason);
    }
    return skipped;
}

std::uint64_t bytesOf(const PlannedTensor& tensor) {
    std::uint64_t count = tensors::bytesPerElement(tensor.type);
    for (const auto dimension : tensor.shape)
        count *= static_cast<std::uint64_t>(dimension);
    return count;
}

double linearBits(const ExportPlan& plan, const models::Checkpoint& source) {
    double bits = 0;
    double weights = 0;
    std::unordered_map<std::string, bool> dense;
    for (const auto& slot : models::tensorSlots(source.spec()))
        dense[slot.name] = !slot.linear;
    for (const auto& tensor : plan.tensors) {
        if (tensor.content == Content::Dense && dense[tensor.name]) continue;
        bits += 8.0 * static_cast<double>(bytesOf(tensor));
        if (tensor.content == Content::Scales) continue; // counted with the codes of its layer
        if (tensor.content == Content::Codes)
            weights +=
                static_cast<double>(tensor.slot.shape.rows) * static_cast<double>(tensor.slot.shape.cols);
        else
            weights += static_cast<double>(tensor.shape[0]) * static_cast<double>(tensor.shape[1]);
    }
    return weights > 0 ? bits / weights : 0;
}

} // namespace

base::Result<ExportPlan> planExport(const models::Checkpoint& source, const ExportOptions& options) {
    FAIRY2_TRY(checkSource(source, options));
    ExportPlan plan;
    plan.recipe = options.recipe.value_or(source.recipe());
    const auto packed = packedSlots(source.spec(), plan.recipe);
    if (packed.empty())
        return base::badInput("no layer would be quantised", source.path().string(), "recipe",
                              options.recipe ? "check the rules of --layers"
                                             : "say how with --stages or --mode");
    plan.quantizedLayers = static_cast<std::int64_t>(packed.size());
    plan.skipped = skippedLinears(source, plan.recipe);

    if (options.format == Format::Packed) {
        for (const auto& slot : packed)
            plan.tensors.push_back({Content::Codes,
                                    codesName(slot.layer),
                                    tensors::DType::U8,
                                    {static_cast<std::int64_t>(slot.shape.codeBytes())},
                                    slot});
        for (const auto& slot : packed)
            plan.tensors.push_back({Content::Scales,
                                    scalesName(slot.layer),
                                    slot.shape.scaleType(),
                                    {slot.shape.stages, 4, slot.shape.groups()},
                                    slot});
    }
    std::unordered_map<std::string, PackedSlot> byWeight;
    for (const auto& slot : packed)
        byWeight[slot.layer + ".weight"] = slot;
    std::unordered_map<std::string, tensors::DType> storedType;
    for (const auto& tensor : source.tensors())
        storedType[tensor.name] = tensor.dtype;
    const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
        if (const auto slot = byWeight.find(name); slot != byWeight.end()) {
            if (options.format == Format::Baked)
                plan.tensors.push_back({Content::Baked, name, options.bakedType, shape, slot->second});
            return;
        }
        // fp64 is read as fp32, the widest type that anything here computes in.
        auto type = options.denseType.value_or(storedType[name]);
        if (type == tensors::DType::F64) type = tensors::DType::F32;
        plan.tensors.push_back({Content::Dense, name, type, shape, {}});
    };
    for (const auto& slot : models::tensorSlots(source.spec()))
        add(slot.name, slot.shape);
    if (source.spec().tiedEmbeddings && byWeight.contains("lm_head.weight")) {
        plan.untiesHead = true;
        add("lm_head.weight", {source.spec().vocabSize, source.spec().hiddenSize});
    }
    for (const auto& tensor : plan.tensors)
        plan.expectedBytes += bytesOf(tensor);
    plan.bitsPerWeight = linearBits(plan, source);
    return plan;
}

} // namespace fairy2::pack
