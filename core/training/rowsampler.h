// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/tokenrows.h"
#include "training/engine.h"

namespace fairy2::training {

/// Says which row stands at which position of the endless stream of training rows. The order is a pure
/// function of (seed, position), so the position counter is all that a resumed run has to know.
///   shuffle = false: the rows in order, again and again;
///   shuffle = true: each epoch a pseudo-random permutation of all rows (a Feistel network over the row
///   number, keyed by seed and epoch; no table, so it costs nothing for any number of rows).
class RowSampler {
public:
    /// `length` 0 takes rows whole, which must then be of one length; else every row is cut into pieces of
    /// `length` tokens, a shorter rest at its end is left out.
    [[nodiscard]] static base::Result<RowSampler> create(const data::TokenRows& rows, std::int64_t length,
                                                         bool shuffle, std::uint64_t seed);

    [[nodiscard]] std::int64_t pieces() const noexcept { return static_cast<std::int64_t>(m_starts.size()); }
    [[nodiscard]] std::int64_t length() const noexcept { return m_length; }
    /// Index of the piece at a position of the stream.
    [[nodiscard]] std::int64_t pieceAt(std::int64_t position) const noexcept;
    /// `count` pieces from `position` on.
    [[nodiscard]] Batch batch(std::int64_t position, std::int64_t count) const;

private:
    struct Start {
        std::int64_t row;
        std::int64_t offset;
    };
    const data::TokenRows* m_rows = nullptr;
    std::vector<Start> m_starts;
    std::int64_t m_length = 0;
    bool m_shuffle = false;
    std::uint64_t m_seed = 0;
};

/// Rows of validation data in batches: neighbours of equal length together, at most `most` at a time.
[[nodiscard]] std::vector<Batch> batchesInOrder(const data::TokenRows& rows, std::int64_t most,
                                                std::int64_t maxRows = 0);

} // namespace fairy2::training
