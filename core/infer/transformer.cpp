// SPDX-License-Identifier: Apache-2.0
#include "infer/transformer.h"

#include "base/threads.h"
#include "infer/kernels.h"
#include "infer/kvcache.h"

#include <algorithm>
#include <fmt/format.h>

namespace fairy2::infer {

base::Result<std::shared_ptr<const Transformer>>
Transformer::load(const models::Checkpoint& checkpoint, const std::optional<quant::ModelRecipe>& recipe,
                  const base::Task& task) {
    useOneBlasThread();
    FAIRY2_ASSIGN(auto weights, loadWeights(checkpoint, recipe, task));
    return std::shared_ptr<const Transformer>(new Transformer(std::move(weights)));
}

const models::ModelSpec& Transformer::spec() const noexcept {
    return m_weights->spec;
}

base::Result<void> Transformer::check(std::span<const std::int32_t> ids, std::int64_t past) const {
    const auto length = past + static_cast<std::int64_t>(ids.size());
    if (length > spec().maxPositions)
        return base::badInput(
            fmt::format("a sequence of {} tokens is longer than the {} positions of this model", length,
                        spec().maxPositions),
            {}, "max_position_embeddings", "cut the rows or the prompt");
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (ids[i] < 0 || ids[i] >= spec().vocabSize)
            return base::badInput(fmt::format("token id {} at place {} is outside the vocabulary of {}",
                                              ids[i], i, spec().vocabSize),
                                  {}, {}, "does the tokenizer belong to this model?");
    return {};
}

base::Result<std::vector<float>> Transformer::logits(std::span<const std::int32_t> ids) const {
    FAIRY2_TRY(check(ids));
    Decoder decoder(*m_weights, base::threadCount());
    KvCache cache(*m_weights);
    const auto vocab = spec().vocabSize;
    std::vector<float> result;
    result.reserve(ids.size() * static_cast<std::size_t>(vocab));
    feedInChunks(
        decoder, ids, cache, [&](std::span<const std::int32_t> chunk, const std::vector<float>& hidden) {
            const auto rows = static_cast<std::int64_t>(chunk.size());
            const auto start = result.size();
            result.resize(start + chunk.size() * static_cast<std::size_t>(vocab));
            float* const out = result.data() + start;
            decoder.forEachLogits(
                hidden.data(), rows, [&](std::int64_t first, std::int64_t entries, const float* piece) {
                    for (std::int64_t row = 0; row < rows; ++row)
                        std::copy_n(piece + row * entries, entries, out + row * vocab + first);
                });
        });
    return result;
}

base::Result<std::vector<float>> Transformer::nll(std::span<const std::int32_t> ids) const {
    FAIRY2_TRY(check(ids));
    Decoder decoder(*m_weights, 1);
    KvCache cache(*m_weights);
    std::vector<float> result;
    if (ids.empty()) return result;
    result.reserve(ids.size() - 1);
    // The last token predicts nothing that is scored.
    feedInChunks(decoder, ids.first(ids.size() - 1), cache,
                 [&](std::span<const std::int32_t> chunk, const std::vector<float>& hidden) {
                     const auto rows = static_cast<std::int64_t>(chunk.size());
                     const auto* targets = ids.data() + result.size() + 1;
                     std::vector<LogSumExp> normalizers(chunk.size());
                     std::vector<float> scored(chunk.size());
                     decoder.forEachLogits(hidden.data(), rows,
                                           [&](std::int64_t first, std::int64_t entries, const float* piece) {
                                               for (std::int64_t row = 0; row < rows; ++row) {
                                                   const float* logits = piece + row * entries;
                                                   const auto r = static_cast<std::size_t>(row);
                                                   accumulate(normalizers[r], logits, entries, first);
                                                   const auto place = targets[row] - first;
                                                   if (place >= 0 && place < entries)
                                                       scored[r] = logits[place];
                                               }
                                           });
                     for (std::size_t r = 0; r < chunk.size(); ++r)
                         result.push_back(
                             static_cast<float>(normalizers[r].value() - static_cast<double>(scored[r])));
                 });
    return result;
}

base::Result<std::vector<float>> Transformer::step(std::span<const std::int32_t> ids, KvCache& cache) const {
    if (ids.empty()) return base::fail(base::ErrorCode::Usage, "a step needs at least one token");
    if (cache.owner != m_weights.get())
        return base::fail(base::ErrorCode::Usage, "this cache belongs to another model");
    FAIRY2_TRY(check(ids, cache.length));
    Decoder decoder(*m_weights, base::threadCount());
    std::vector<float> last;
    const auto width = static_cast<std::ptrdiff_t>(spec().hiddenSize);
    feedInChunks(decoder, ids, cache, [&](std::span<const std::int32_t>, const std::vector<float>& hidden) {
        last.assign(hidden.end() - width, hidden.end());
    });
    std::vector<float> result(static_cast<std::size_t>(spec().vocabSize));
    decoder.forEachLogits(last.data(), 1, [&](std::int64_t first, std::int64_t entries, const float* piece) {
        std::copy_n(piece, entries, result.data() + first);
    });
    return result;
}

std::unique_ptr<KvCache, void (*)(KvCache*)> Transformer::makeCache() const {
    return {new KvCache(*m_weights), [](KvCache* cache) { delete cache; }};
}

} // namespace fairy2::infer
