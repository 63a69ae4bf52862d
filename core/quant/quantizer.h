// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/recipe.h"
#include "quant/scalesum.h"
#include "quant/widelylinear.h"

namespace fairy2::quant {

inline constexpr int kMaxStages = 4;

/// One stage of one of the two complex matrices.
struct StageCodes {
    std::vector<std::uint8_t> codes; ///< n×m, one Phase (0..3) a byte, row-major
    std::vector<float> sRe; ///< one scale per group: 1, n, or tiles (row-major over ⌈n/64⌉×⌈m/64⌉)
    std::vector<float> sIm;
};

/// A linear layer in codes and scales: A_q = real form of Σ_t (U_t, W_t).
struct QuantizedMatrix {
    std::int64_t rows = 0; ///< of the real matrix, 2n
    std::int64_t cols = 0; ///< 2m
    ScaleGranularity scale = ScaleGranularity::Tensor;
    struct Stage {
        StageCodes u;
        StageCodes w;
    };
    std::vector<Stage> stages;
};

/// Number of scale groups of an n×m complex matrix, and the group that entry (row, col) belongs to.
[[nodiscard]] std::int64_t scaleGroups(ScaleGranularity scale, std::int64_t n, std::int64_t m) noexcept;
[[nodiscard]] std::int64_t scaleGroupOf(ScaleGranularity scale, std::int64_t m, std::int64_t row,
                                        std::int64_t col) noexcept;

/// Fairy2i quantisation of A with recipe.stages residual stages (fairy2i.md §1.2–1.3).
/// Scale sums accumulate in fixed point (scalesum.h), so the result is bit-identical for any thread count.
/// threads 0 = as many as there are cores. Errors: odd dimensions, stages outside 1..4, NaN or Inf in A (the
/// message says how many).
[[nodiscard]] base::Result<QuantizedMatrix> quantize(MatrixView a, const LayerRecipe& recipe,
                                                     int threads = 0);

/// A_q, rows × cols fp32 row-major, from codes and scales.
[[nodiscard]] std::vector<float> dequantize(const QuantizedMatrix& q, int threads = 0);

/// quantize and dequantize in one go, without keeping codes: what training and evaluation use. The same bits
/// as dequantize(quantize(a)), about one pass over A per stage.
[[nodiscard]] base::Result<std::vector<float>> fakeQuantize(MatrixView a, const LayerRecipe& recipe,
                                                            int threads = 0);

/// The same into memory of the caller, rows × cols floats; `out` may be `a.data` itself. When it fails, what
/// stands in `out` is undefined.
[[nodiscard]] base::Result<void> fakeQuantize(MatrixView a, const LayerRecipe& recipe, float* out,
                                              int threads = 0);

/// The same in double, entry by entry as the paper writes it: the reference the fast paths are tested
/// against. Scales are rounded to fp32 before they are subtracted, as they are stored.
[[nodiscard]] base::Result<QuantizedMatrix> quantizeReference(MatrixView a, const LayerRecipe& recipe);

/// Stored bits per real weight of a layer: 1 per stage for codes, plus its scales (fp32 for tensor, fp16
/// else).
[[nodiscard]] double bitsPerWeight(std::int64_t rows, std::int64_t cols, const LayerRecipe& recipe) noexcept;

} // namespace fairy2::quant
