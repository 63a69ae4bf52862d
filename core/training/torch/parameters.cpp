// SPDX-License-Identifier: Apache-2.0
#include "training/torch/parameters.h"

#include "quant/quantizer.h"

#include <algorithm>
#include <fmt/format.h>

namespace fairy2::training {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";
constexpr std::string_view kWeightSuffix = ".weight";

std::string layerOf(const std::string& weight) {
    return weight.substr(0, weight.size() - kWeightSuffix.size());
}

base::Result<Parameter> loadParameter(const models::TensorSlot& slot, const WeightSource& weights,
                                      bool trainable) {
    FAIRY2_ASSIGN(const auto values, weights(slot));
    Parameter parameter;
    parameter.info = {slot.name, slot.shape, 1, false};
    for (const auto size : slot.shape)
        parameter.info.elements *= size;
    if (static_cast<std::int64_t>(values.size()) != parameter.info.elements)
        return base::badInput(
            fmt::format("the tensor has {} values instead of {}", values.size(), parameter.info.elements), {},
            slot.name);
    parameter.master = at::empty(slot.shape, at::kFloat);
    std::copy(values.begin(), values.end(), parameter.master.data_ptr<float>());
    parameter.forward = parameter.master;
    if (trainable) {
        parameter.gradient = at::zeros_like(parameter.master);
        parameter.firstMoment = at::zeros_like(parameter.master);
        parameter.secondMoment = at::zeros_like(parameter.master);
    }
    return parameter;
}

} // namespace

base::Result<ParameterTable> ParameterTable::create(const models::ModelSpec& spec,
                                                    const WeightSource& weights,
                                                    const quant::ModelRecipe& recipe, bool trainable) {
    ParameterTable table;
    for (const auto& slot : models::tensorSlots(spec)) {
        FAIRY2_ASSIGN(auto parameter, loadParameter(slot, weights, trainable));
        table.m_index[slot.name] = table.m_parameters.size();
        const auto layer = slot.linear ? recipe.forLayer(layerOf(slot.name)) : quant::LayerRecipe{0};
        if (layer.quantizes() && slot.shape[0] % 2 == 0 && slot.shape[1] % 2 == 0) {
            parameter.info.quantized = true;
            parameter.forward = at::empty_like(parameter.master);
            table.m_quantized.push_back(
                {layerOf(slot.name), table.m_parameters.size(), layer, parameter.forward});
        }
        table.m_parameters.push_back(std::move(parameter));
    }
    // A tied head is the embedding's master seen through the quantiser; the embedding itself stays A.
    if (const auto head = recipe.forLayer("lm_head");
        spec.tiedEmbeddings && head.quantizes() && spec.vocabSize % 2 == 0 && spec.hiddenSize % 2 == 0) {
        const auto embedding = table.m_index.at(kEmbedding);
        table.m_quantized.push_back(
            {"lm_head", embedding, head, at::empty_like(table.m_parameters[embedding].master)});
    }
    for (Parameter& parameter : table.m_parameters) {
        table.m_infos.push_back(parameter.info);
        // Embedding and head have a hand-written backward; autograd sees the rest.
        if (!trainable || parameter.info.name == kEmbedding || parameter.info.name == kHead) continue;
        parameter.forward.requires_grad_(true);
        parameter.forward.mutable_grad() = parameter.gradient;
    }
    return table;
}

const Parameter* ParameterTable::find(const std::string& name) const {
    const auto found = m_index.find(name);
    return found == m_index.end() ? nullptr : &m_parameters[found->second];
}

quant::MatrixView ParameterTable::master(const QuantizedWeight& weight) const noexcept {
    const auto& master = m_parameters[weight.parameter].master;
    return {master.const_data_ptr<float>(), master.size(0), master.size(1)};
}

base::Result<void> ParameterTable::quantize(int threads) {
    for (const QuantizedWeight& weight : m_quantized) {
        auto done =
            quant::fakeQuantize(master(weight), weight.recipe, weight.forward.data_ptr<float>(), threads);
        if (done) continue;
        done.error().field = weight.layer;
        return done;
    }
    return {};
}

DecoderWeights ParameterTable::decoder(const models::ModelSpec& spec) const {
    const auto forward = [this](const std::string& name) { return m_parameters[m_index.at(name)].forward; };
    DecoderWeights weights;
    weights.embedding = forward(kEmbedding);
    weights.finalNorm = forward("model.norm.weight");
    weights.head = spec.tiedEmbeddings ? weights.embedding : forward(kHead);
    for (const QuantizedWeight& weight : m_quantized)
        if (weight.layer == "lm_head") weights.head = weight.forward;
    for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
        const auto prefix = fmt::format("model.layers.{}.", layer);
        BlockWeights block;
        block.inputNorm = forward(prefix + "input_layernorm.weight");
        block.q = forward(prefix + "self_attn.q_proj.weight");
        block.k = forward(prefix + "self_attn.k_proj.weight");
        block.v = forward(prefix + "self_attn.v_proj.weight");
        block.o = forward(prefix + "self_attn.o_proj.weight");
        if (spec.qkNorm) {
            block.qNorm = forward(prefix + "self_attn.q_norm.weight");
            block.kNorm = forward(prefix + "self_attn.k_norm.weight");
        }
        block.postNorm = forward(prefix + "post_attention_layernorm.weight");
        block.gate = forward(prefix + "mlp.gate_proj.weight");
        block.up = forward(prefix + "mlp.up_proj.weight");
        block.down = forward(prefix + "mlp.down_proj.weight");
        weights.blocks.push_back(std::move(block));
    }
    return weights;
}

at::Tensor ParameterTable::embeddingGradient() const {
    return find(kEmbedding)->gradient;
}

at::Tensor ParameterTable::headGradient() const {
    const Parameter* head = find(kHead);
    return head == nullptr ? embeddingGradient() : head->gradient;
}

} // namespace fairy2::training
