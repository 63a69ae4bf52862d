// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fairy2::gpu {

/// Shape of a Llama or Qwen3 decoder.
struct ModelShape {
    std::int64_t vocab = 0;
    std::int64_t hidden = 0;
    std::int64_t intermediate = 0;
    std::int64_t layers = 0;
    int heads = 0;
    int kvHeads = 0;
    int headDim = 0;
    bool tied = false;
    bool qkNorm = false;

    [[nodiscard]] std::int64_t qkvWidth() const noexcept {
        return std::int64_t(heads + 2 * kvHeads) * headDim;
    }
    [[nodiscard]] std::int64_t attentionWidth() const noexcept { return std::int64_t(heads) * headDim; }
};

/// How one linear layer is quantised; stages 0 = not.
struct LinearRecipe {
    int stages = 0;
    int grouping = 0; ///< 0 tensor, 1 row, 2 tile64
};

/// One trainable tensor and its place in the flat spaces (masters, gradients, moments, compute weights): the
/// same offset in each.
struct Parameter {
    std::string name;      ///< Hugging Face name
    std::int64_t rows = 0; ///< 1 for norms
    std::int64_t cols = 0;
    std::int64_t offset = 0;
    bool norm = false;
    LinearRecipe recipe; ///< of linears; of a tied embedding: that of the head

    [[nodiscard]] std::int64_t elements() const noexcept { return rows * cols; }
};

/// Offsets of one block's parameters. q, k, v follow each other without a gap, gate and up too, so that each
/// group is one matrix of a fused product.
struct BlockOffsets {
    std::int64_t inputNorm = 0, qkv = 0, qNorm = 0, kNorm = 0, output = 0, postNorm = 0, gateUp = 0, down = 0;
};

/// The flat parameter space of a model. Groups begin at multiples of kAlignment elements; what lies between
/// is zero for ever.
class ParameterSpace {
public:
    static constexpr std::int64_t kAlignment = 128;

    /// recipes: layers × 7 (q, k, v, o, gate, up, down), then the head.
    ParameterSpace(const ModelShape& shape, const std::vector<LinearRecipe>& recipes);

    [[nodiscard]] const std::vector<Parameter>& parameters() const noexcept { return m_parameters; }
    [[nodiscard]] const std::vector<BlockOffsets>& blocks() const noexcept { return m_blocks; }
    [[nodiscard]] std::int64_t embedding() const noexcept { return m_embedding; }
    [[nodiscard]] std::int64_t finalNorm() const noexcept { return m_finalNorm; }
    [[nodiscard]] std::int64_t head() const noexcept { return m_head; } ///< the embedding's when tied
    [[nodiscard]] std::int64_t elements() const noexcept { return m_elements; }
    [[nodiscard]] std::int64_t weights() const noexcept { return m_weights; } ///< without gaps
    /// Index into parameters(), −1 if there is none of that name.
    [[nodiscard]] int find(const std::string& name) const noexcept;

private:
    void align() noexcept;
    std::int64_t add(const std::string& name, std::int64_t rows, std::int64_t cols, bool norm,
                     LinearRecipe recipe);

    std::vector<Parameter> m_parameters;
    std::vector<BlockOffsets> m_blocks;
    std::int64_t m_embedding = 0, m_finalNorm = 0, m_head = 0, m_elements = 0, m_weights = 0;
};

} // namespace fairy2::gpu
