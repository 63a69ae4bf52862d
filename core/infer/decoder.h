// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infer/weights.h"

#include <functional>
#include <span>

namespace fairy2::infer {

/// Positions that go through the blocks together; longer sequences are cut, so that memory stays bounded.
inline constexpr std::int64_t kChunk = 512;

/// Vocabulary entries whose logits are computed at a time for so many rows: what stays in the cache.
[[nodiscard]] std::int64_t logitsPiece(std::int64_t rows, std::int64_t vocabSize) noexcept;

/// Keys and values of one block, [position, kvHeads · headDim] each.
struct BlockCache {
    std::vector<float> keys;
    std::vector<float> values;
};

/// The weights a block runs with: its own, any of its linears exchanged for another matrix of the same shape.
struct BlockView {
    explicit BlockView(const BlockWeights& weights);
    void exchange(Linear linear, const Matrix& matrix) {
        linears[static_cast<std::size_t>(linear)] = &matrix;
    }
    [[nodiscard]] const Matrix& operator[](Linear linear) const {
        return *linears[static_cast<std::size_t>(linear)];
    }

    const BlockWeights* block;
    std::array<const Matrix*, kLinearsPerBlock> linears;
};

/// Computes `count` positions of one sequence that stand behind `past` others. The hidden state is
/// [count, hidden], row-major, and belongs to the caller. One object serves one thread at a time.
class Decoder {
public:
    Decoder(const ModelWeights& weights, int threads) : m_weights(weights), m_threads(threads) {}

    /// Sets the positions that the calls below are about.
    void setPositions(std::int64_t past, std::int64_t count);
    void embed(std::span<const std::int32_t> ids, std::vector<float>& hidden) const;
    /// One block, in place; appends to the cache, which must hold `past` positions.
    void runBlock(const BlockView& block, BlockCache& cache, std::vector<float>& hidden);
    /// The final norm, in place.
    void normalize(std::vector<float>& hidden) const;
    /// Logits of the first `rows` normalised hidden states, some vocabulary entries at a time:
    /// body(first, entries, logits), logits [rows, entries].
    void forEachLogits(const float* normalized, std::int64_t rows,
                       const std::function<void(std::int64_t, std::int64_t, const float*)>& body);
    /// The same piece by piece: logits [rows, entries] of the vocabulary entries from `first` on.
    const float* logits(const float* normalized, std::int64_t rows, std::int64_t first, std::int64_t entries);

private:
    void rotate(float* heads, std::int64_t headCount) const;
    void normalizeHeads(float* heads, std::int64_t headCount, const std::vector<float>& weight) const;
    void runAttention(const BlockView& block, BlockCache& cache, std::vector<float>& hidden);
    void attendAll(const BlockCache& cache);
    void runMlp(const BlockView& block, std::vector<float>& hidden);
    void normalizeRows(const std::vector<float>& hidden, const std::vector<float>& weight,
                       std::vector<float>& out) const;

    const ModelWeights& m_weights;
    int m_threads;
    std::int64_t m_past = 0;
    std::int64_t m_count = 0;
    std::vector<float> m_cos; ///< [count, headDim / 2]
    std::vector<float> m_sin;
    std::vector<float> m_normed;
    std::vector<float> m_q;
    std::vector<float> m_attended;
    std::vector<float> m_gate;
    std::vector<float> m_up;
    std::vector<float> m_logits;
};

} // namespace fairy2::infer
