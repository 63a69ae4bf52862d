// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/phasekernels.h"
#include "quant/quantizer.h"

#include <functional>

namespace fairy2::quant {

/// A rectangle of complex entries that lies in one scale group: the unit of parallel work.
struct Block {
    std::int64_t row0 = 0, row1 = 0, col0 = 0, col1 = 0;
};

/// Row and tile64: one block a group, in the order of the groups. Tensor: bands of rows.
[[nodiscard]] std::vector<Block> scaleBlocks(ScaleGranularity scale, std::int64_t n, std::int64_t m);

/// The part of complex row `row` that lies in `block`.
[[nodiscard]] Segment segmentOf(MatrixView a, std::int64_t row, const Block& block) noexcept;

/// BadInput for odd dimensions and stages outside 1..4.
[[nodiscard]] base::Result<void> checkQuantizable(MatrixView a, const LayerRecipe& recipe);

/// BadInput that says how many entries are NaN or infinite.
[[nodiscard]] base::Result<void> checkFinite(MatrixView a);

/// Scales of the stages 0, 1, … of one group.
using StageScales = std::span<const StageScale>;

/// Finds the scales of every stage and calls finish(block, scales) once for each block, from several threads.
/// The residuals of earlier stages are computed again from A in each pass instead of being stored.
/// A row or a tile passes through all its stages and `finish` while it is in the cache. With NaN or Inf in A
/// it fails, perhaps after some calls.
[[nodiscard]] base::Result<void>
withStageScales(MatrixView a, const LayerRecipe& recipe, int threads,
                const std::function<void(const Block&, StageScales)>& finish);

} // namespace fairy2::quant
