// SPDX-License-Identifier: Apache-2.0
#include "parameterspace.h"

namespace fairy2::gpu {
namespace {

// A matrix with an odd side has no halves.
LinearRecipe usable(LinearRecipe recipe, std::int64_t rows, std::int64_t cols) noexcept {
    return rows % 2 == 0 && cols % 2 == 0 ? recipe : LinearRecipe{};
}

} // namespace

ParameterSpace::ParameterSpace(const ModelShape& shape, const std::vector<LinearRecipe>& recipes) {
    const auto recipeOf = [&](std::int64_t index) {
        return index < std::int64_t(recipes.size()) ? recipes[std::size_t(index)] : LinearRecipe{};
    };
    const auto headRecipe = recipeOf(shape.layers * 7);
    m_embedding = add("model.embed_tokens.weight", shape.vocab, shape.hidden, false,
                      shape.tied ? headRecipe : LinearRecipe{});
    for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
        const auto prefix = "model.layers." + std::to_string(layer) + ".";
        const auto linear = [&](int which, const char* name, std::int64_t rows, std::int64_t cols) {
            return add(prefix + name + ".weight", rows, cols, false, recipeOf(layer * 7 + which));
        };
        const auto norm = [&](const char* name, std::int64_t width) {
            align();
            return add(prefix + name + ".weight", 1, width, true, {});
        };
        const auto kvWidth = std::int64_t(shape.kvHeads) * shape.headDim;
        BlockOffsets block;
        block.inputNorm = norm("input_layernorm", shape.hidden);
        align();
        block.qkv = linear(0, "self_attn.q_proj", shape.attentionWidth(), shape.hidden);
        linear(1, "self_attn.k_proj", kvWidth, shape.hidden);
        linear(2, "self_attn.v_proj", kvWidth, shape.hidden);
        if (shape.qkNorm) {
            block.qNorm = norm("self_attn.q_norm", shape.headDim);
            block.kNorm = norm("self_attn.k_norm", shape.headDim);
        }
        align();
        block.output = linear(3, "self_attn.o_proj", shape.hidden, shape.attentionWidth());
        block.postNorm = norm("post_attention_layernorm", shape.hidden);
        align();
        block.gateUp = linear(4, "mlp.gate_proj", shape.intermediate, shape.hidden);
        linear(5, "mlp.up_proj", shape.intermediate, shape.hidden);
        align();
        block.down = linear(6, "mlp.down_proj", shape.hidden, shape.intermediate);
        m_blocks.push_back(block);
    }
    align();
    m_finalNorm = add("model.norm.weight", 1, shape.hidden, true, {});
    align();
    m_head = shape.tied ? m_embedding : add("lm_head.weight", shape.vocab, shape.hidden, false, headRecipe);
    align();
}

void ParameterSpace::align() noexcept {
    m_elements = (m_elements + kAlignment - 1) / kAlignment * kAlignment;
}

std::int64_t ParameterSpace::add(const std::string& name, std::int64_t rows, std::int64_t cols, bool norm,
                                 LinearRecipe recipe) {
    const auto offset = m_elements;
    m_parameters.push_back({name, rows, cols, offset, norm, usable(recipe, rows, cols)});
    m_elements += rows * cols;
    m_weights += rows * cols;
    return offset;
}

int ParameterSpace::find(const std::string& name) const noexcept {
    for (std::size_t i = 0; i < m_parameters.size(); ++i)
        if (m_parameters[i].name == name) return int(i);
    return -1;
}

} // namespace fairy2::gpu
