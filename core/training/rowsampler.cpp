// SPDX-License-Identifier: Apache-2.0
#include "training/rowsampler.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace fairy2::training {
namespace {

// SplitMix64's finaliser: every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

// A bijection of [0, count): four Feistel rounds over the next even number of bits, applied again until the
// result falls inside (fewer than four times on average).
std::uint64_t permute(std::uint64_t index, std::uint64_t count, std::uint64_t key) {
    const int half = std::max(1, (static_cast<int>(std::bit_width(count - 1)) + 1) / 2);
    const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
    do {
        std::uint64_t left = index >> half;
        std::uint64_t right = index & mask;
        for (std::uint64_t round = 0; round < 4; ++round) {
            const auto next = left ^ (mix(right ^ mix(key + round)) & mask);
            left = right;
            right = next;
        }
        index = (left << half) | right;
    } while (index >= count);
    return index;
}

} // namespace

base::Result<RowSampler> RowSampler::create(const data::TokenRows& rows, std::int64_t length, bool shuffle,
                                            std::uint64_t seed) {
    RowSampler sampler;
    sampler.m_rows = &rows;
    sampler.m_length = length;
    sampler.m_shuffle = shuffle;
    sampler.m_seed = seed;
    for (std::int64_t row = 0; row < rows.rows(); ++row) {
        const auto tokens = static_cast<std::int64_t>(rows.row(row).size());
        if (length == 0 && sampler.m_length == 0) sampler.m_length = tokens;
        if (length == 0 && tokens != sampler.m_length)
            return base::badInput(
                fmt::format("row {} has {} tokens, the rows before it {}", row, tokens, sampler.m_length), {},
                "data.tokens", "set training.sequence_length to cut rows into equal pieces");
        for (std::int64_t offset = 0; offset + sampler.m_length <= tokens; offset += sampler.m_length)
            sampler.m_starts.push_back({row, offset});
    }
    if (sampler.m_length < 2)
        return base::badInput("rows of one token have nothing to predict", {}, "training.sequence_length",
                              "use rows of at least 2 tokens");
    if (sampler.m_starts.empty())
        return base::badInput(
            fmt::format("no row has the {} tokens that training.sequence_length asks for", length), {},
            "data.tokens", "choose a shorter sequence or other rows");
    return sampler;
}

std::int64_t RowSampler::pieceAt(std::int64_t position) const noexcept {
    const std::int64_t epoch = position / pieces();
    const std::int64_t index = position % pieces();
    if (!m_shuffle || pieces() == 1) return index;
    const auto key = mix(m_seed ^ mix(static_cast<std::uint64_t>(epoch)));
    return static_cast<std::int64_t>(
        permute(static_cast<std::uint64_t>(index), static_cast<std::uint64_t>(pieces()), key));
}

Batch RowSampler::batch(std::int64_t position, std::int64_t count) const {
    Batch batch{count, m_length, {}};
    batch.ids.reserve(static_cast<std::size_t>(count * m_length));
    for (std::int64_t i = 0; i < count; ++i) {
        const Start& start = m_starts[static_cast<std::size_t>(pieceAt(position + i))];
        const auto piece = m_rows->row(start.row).subspan(static_cast<std::size_t>(start.offset),
                                                          static_cast<std::size_t>(m_length));
        batch.ids.insert(batch.ids.end(), piece.begin(), piece.end());
    }
    return batch;
}

std::vector<Batch> batchesInOrder(const data::TokenRows& rows, std::int64_t most, std::int64_t maxRows) {
    std::vector<Batch> batches;
    const std::int64_t count = maxRows > 0 ? std::min(maxRows, rows.rows()) : rows.rows();
    for (std::int64_t row = 0; row < count; ++row) {
        const auto ids = rows.row(row);
        const auto length = static_cast<std::int64_t>(ids.size());
        if (length < 2) continue;
        if (batches.empty() || batches.back().length != length || batches.back().rows == most)
            batches.push_back({0, length, {}});
        ++batches.back().rows;
        batches.back().ids.insert(batches.back().ids.end(), ids.begin(), ids.end());
    }
    return batches;
}

} // namespace fairy2::training
