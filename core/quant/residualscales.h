// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/phasekernels.h"
#include "quant/quantizer.h"

#include <functional>

namespace fairy2::quant {

/// A rectangle of complex entries that lies in one scale group: the unit of parallel work.
struct Block {
    std::int64_t row0 = 0, row1 = 0, col0 = 0, col1 = 0;
    std::size_t index = 0; ///< among the blocks of the matrix
};

/// Row and tile64: one block a group, in the order of the groups. Tensor: bands of rows.
[[nodiscard]] std::vector<Block> scaleBlocks(ScaleGranularity scale, std::int64_t n, std::int64_t m);

[[nodiscard]] Segment segmentOf(MatrixView a, const Block& block) noexcept;

/// BadInput for odd dimensions and stages outside 1..4.
[[nodiscard]] base::Result<void> checkQuantizable(MatrixView a, const LayerRecipe& recipe);

/// NaN and infinite entries.
[[nodiscard]] std::int64_t countNonFinite(MatrixView a);

/// BadInput that says how many entries are NaN or infinite.
[[nodiscard]] base::Result<void> checkFinite(MatrixView a);

/// Scales of the stages 0, 1, … of one group.
using StageScales = std::span<const StageScale>;

/// Adds the scale sums of stage done.size() over a block; may gather more on the way.
using StageVisitor = std::function<StageSums(const Block&, StageScales done, float power)>;
using BlockVisitor = std::function<void(const Block&, StageScales)>;

/// Finds the scales of every stage and calls finish(block, scales) once for each block, from several threads.
/// The residuals of earlier stages are computed again from A in each pass instead of being stored.
/// A row or a tile passes through all its stages and `finish` while it is in the cache. With NaN or Inf in A
/// it fails, perhaps after some calls. `visit` (absent = addStageSums) sees every block once a stage.
[[nodiscard]] base::Result<void> withStageScales(MatrixView a, const LayerRecipe& recipe, int threads,
                                                 const BlockVisitor& finish, const StageVisitor& visit = {});

} // namespace fairy2::quant
