// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infer/decoder.h"

#include <algorithm>

namespace fairy2::infer {

class KvCache {
public:
    explicit KvCache(const ModelWeights& weights) : owner(&weights), blocks(weights.blocks.size()) {}

    const ModelWeights* owner;
    std::vector<BlockCache> blocks;
    std::int64_t length = 0;
};

/// Feeds ids behind what the cache holds, kChunk at a time, and calls body(chunk, hidden) with the normalised
/// hidden states of each piece.
template <typename Body>
void feedInChunks(Decoder& decoder, std::span<const std::int32_t> ids, KvCache& cache, const Body& body) {
    std::vector<float> hidden;
    while (!ids.empty()) {
        const auto chunk = ids.first(std::min(ids.size(), static_cast<std::size_t>(kChunk)));
        decoder.setPositions(cache.length, static_cast<std::int64_t>(chunk.size()));
        decoder.embed(chunk, hidden);
        for (std::size_t b = 0; b < cache.blocks.size(); ++b)
            decoder.runBlock(BlockView(cache.owner->blocks[b]), cache.blocks[b], hidden);
        cache.length += static_cast<std::int64_t>(chunk.size());
        decoder.normalize(hidden);
        body(chunk, hidden);
        ids = ids.subspan(chunk.size());
    }
}

} // namespace fairy2::infer
