// SPDX-License-Identifier: Apache-2.0
#include "infer/decoder.h"

#include "base/threads.h"
#include "infer/kernels.h"

#include <algorithm>
#include <cmath>

namespace fairy2::infer {
namespace {

// Queries that share one matrix of attention scores: large enough for the matrix product, small enough that
// little is computed above the diagonal.
constexpr std::int64_t kQueryRows = 64;
// Logits held at a time: 4 MiB, which stay in the cache between product and reduction.
constexpr std::int64_t kLogitsAtOnce = std::int64_t{1} << 20;

std::size_t sizeOf(std::int64_t rows, std::int64_t cols) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
}

} // namespace

std::int64_t logitsPiece(std::int64_t rows, std::int64_t vocabSize) noexcept {
    return std::clamp<std::int64_t>(kLogitsAtOnce / std::max<std::int64_t>(rows, 1),
                                    std::min<std::int64_t>(64, vocabSize), vocabSize);
}

BlockView::BlockView(const BlockWeights& weights) : block(&weights) {
    for (std::size_t i = 0; i < kLinearsPerBlock; ++i)
        linears[i] = &weights.linears[i];
}

void Decoder::setPositions(std::int64_t past, std::int64_t count) {
    m_past = past;
    m_count = count;
    const auto half = static_cast<std::int64_t>(m_weights.inverseFrequencies.size());
    m_cos.resize(sizeOf(count, half));
    m_sin.resize(sizeOf(count, half));
    // The angle is rounded to fp32 as in transformers, so that long rows give its numbers.
    std::size_t at = 0;
    for (std::int64_t position = past; position < past + count; ++position)
        for (const float frequency : m_weights.inverseFrequencies) {
            const float angle = static_cast<float>(position) * frequency;
            m_cos[at] = static_cast<float>(std::cos(static_cast<double>(angle)));
            m_sin[at] = static_cast<float>(std::sin(static_cast<double>(angle)));
            ++at;
        }
}

void Decoder::embed(std::span<const std::int32_t> ids, std::vector<float>& hidden) const {
    const auto width = m_weights.embedding.cols;
    hidden.resize(ids.size() * static_cast<std::size_t>(width));
    for (std::size_t i = 0; i < ids.size(); ++i)
        std::copy_n(m_weights.embedding.values.data() + ids[i] * width, width,
                    hidden.data() + static_cast<std::int64_t>(i) * width);
}

void Decoder::runBlock(const BlockView& block, BlockCache& cache, std::vector<float>& hidden) {
    runAttention(block, cache, hidden);
    runMlp(block, hidden);
}

void Decoder::runAttention(const BlockView& block, BlockCache& cache, std::vector<float>& hidden) {
    const auto& spec = m_weights.spec;
    const auto kvWidth = spec.kvHeads * spec.headDim;
    normalizeRows(hidden, block.block->attentionNorm, m_normed);
    m_q.resize(sizeOf(m_count, spec.heads * spec.headDim));
    cache.keys.resize(sizeOf(m_past + m_count, kvWidth));
    cache.values.resize(sizeOf(m_past + m_count, kvWidth));
    float* keys = cache.keys.data() + m_past * kvWidth;
    multiply(block[Linear::Q], m_normed.data(), m_count, m_q.data(), false, m_threads);
    multiply(block[Linear::K], m_normed.data(), m_count, keys, false, m_threads);
    multiply(block[Linear::V], m_normed.data(), m_count, cache.values.data() + m_past * kvWidth, false,
             m_threads);
    if (spec.qkNorm) {
        normalizeHeads(m_q.data(), spec.heads, block.block->qNorm);
        normalizeHeads(keys, spec.kvHeads, block.block->kNorm);
    }
    rotate(m_q.data(), spec.heads);
    rotate(keys, spec.kvHeads);
    m_attended.resize(m_q.size());
    attendAll(cache);
    multiply(block[Linear::O], m_attended.data(), m_count, hidden.data(), true, m_threads);
}

void Decoder::attendAll(const BlockCache& cache) {
    const auto& spec = m_weights.spec;
    const auto group = spec.heads / spec.kvHeads;
    const auto headDim = spec.headDim;
    const auto qWidth = spec.heads * headDim;
    const auto kvWidth = spec.kvHeads * headDim;
    // A single position: the heads of a group share keys and stand side by side, so they are the rows.
    const bool single = m_count == 1;
    const auto parts = single ? spec.kvHeads : spec.heads;
    const bool alone = m_count * (m_past + m_count) * spec.heads * headDim < (std::int64_t{1} << 22);
    base::parallelFor(
        parts,
        [&](std::int64_t part) {
            thread_local std::vector<float> scores;
            const auto kvHead = single ? part : part / group;
            AttentionRows rows{};
            rows.keys = cache.keys.data() + kvHead * headDim;
            rows.values = cache.values.data() + kvHead * headDim;
            rows.stride = kvWidth;
            rows.headDim = headDim;
            const auto firstHead = single ? part * group : part;
            for (std::int64_t row = 0; row < m_count; row += kQueryRows) {
                rows.q = m_q.data() + row * qWidth + firstHead * headDim;
                rows.out = m_attended.data() + row * qWidth + firstHead * headDim;
                rows.qStride = single ? headDim : qWidth;
                rows.count = single ? group : std::min(kQueryRows, m_count - row);
                rows.visible = m_past + row + 1;
                rows.step = single ? 0 : 1;
                attend(rows, scores);
            }
        },
        alone ? 1 : m_threads);
}

void Decoder::runMlp(const BlockView& block, std::vector<float>& hidden) {
    const auto width = m_weights.spec.intermediateSize;
    normalizeRows(hidden, block.block->mlpNorm, m_normed);
    m_gate.resize(sizeOf(m_count, width));
    m_up.resize(m_gate.size());
    multiply(block[Linear::Gate], m_normed.data(), m_count, m_gate.data(), false, m_threads);
    multiply(block[Linear::Up], m_normed.data(), m_count, m_up.data(), false, m_threads);
    siluMultiply(m_gate.data(), m_up.data(), static_cast<std::int64_t>(m_gate.size()));
    multiply(block[Linear::Down], m_gate.data(), m_count, hidden.data(), true, m_threads);
}

void Decoder::normalize(std::vector<float>& hidden) const {
    normalizeRows(hidden, m_weights.finalNorm, hidden);
}

void Decoder::normalizeRows(const std::vector<float>& hidden, const std::vector<float>& weight,
                            std::vector<float>& out) const {
    const auto width = m_weights.spec.hiddenSize;
    const auto rows = static_cast<std::int64_t>(hidden.size()) / width;
    out.resize(hidden.size());
    for (std::int64_t row = 0; row < rows; ++row)
        rmsNorm(hidden.data() + row * width, weight.data(), width, static_cast<float>(m_weights.spec.rmsEps),
                out.data() + row * width);
}

void Decoder::normalizeHeads(float* heads, std::int64_t headCount, const std::vector<float>& weight) const {
    const auto headDim = m_weights.spec.headDim;
    for (std::int64_t i = 0; i < m_count * headCount; ++i)
        rmsNorm(heads + i * headDim, weight.data(), headDim, static_cast<float>(m_weights.spec.rmsEps),
                heads + i * headDim);
}

// Rotary embedding as in transformers: entry i of a head turns with entry i + headDim/2.
void Decoder::rotate(float* heads, std::int64_t headCount) const {
    const auto half = m_weights.spec.headDim / 2;
    for (std::int64_t row = 0; row < m_count; ++row) {
        const float* cosine = m_cos.data() + row * half;
        const float* sine = m_sin.data() + row * half;
        for (std::int64_t head = 0; head < headCount; ++head) {
            float* first = heads + (row * headCount + head) * 2 * half;
            float* second = first + half;
            for (std::int64_t i = 0; i < half; ++i) {
                const float a = first[i];
                const float b = second[i];
                first[i] = a * cosine[i] - b * sine[i];
                second[i] = b * cosine[i] + a * sine[i];
            }
        }
    }
}

const float* Decoder::logits(const float* normalized, std::int64_t rows, std::int64_t first,
                             std::int64_t entries) {
    m_logits.resize(sizeOf(rows, entries));
    multiplyRows(m_weights.head(), first, entries, normalized, rows, m_logits.data(), m_threads);
    return m_logits.data();
}

void Decoder::forEachLogits(const float* normalized, std::int64_t rows,
                            const std::function<void(std::int64_t, std::int64_t, const float*)>& body) {
    const auto vocab = m_weights.head().rows;
    const auto piece = logitsPiece(rows, vocab);
    for (std::int64_t first = 0; first < vocab; first += piece) {
        const auto entries = std::min(piece, vocab - first);
        body(first, entries, logits(normalized, rows, first, entries));
    }
}

} // namespace fairy2::infer
