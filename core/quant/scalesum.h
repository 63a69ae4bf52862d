// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fairy2::quant {

/// Smallest scale that training uses; an axis no entry maps to keeps it (official code; fairy2i.md §1.2).
inline constexpr float kScaleFloor = 1e-6F;

/// A mean of magnitudes in fixed point: integer sums do not depend on the order of their terms, so a scale
/// has the same bits for any number of threads, ranks or GPU blocks. This is the definition every path
/// (CPU, trainer, GPU) follows, step by step:
///
///   M    = max |a| over the entries of the *real* matrix A that belong to the scale group
///          (tensor: all; row: real rows i and i+n; tile64: the four blocks of the tile)
///   k    = 29 − ⌊log2 max(M, 1e-6)⌋                       so that 2^29 ≤ max(M, 1e-6)·2^k < 2^30
///   term = round(v · 2^k) to the nearest integer, ties to even; the product is exact in fp32
///   sum  = Σ term over the v = |Re e| of the entries on the real axis (or |Im e| on the imaginary one),
///          e the residual the stage quantises; int64
///   s    = max(fp32(double(sum) / (double(count) · 2^k)), 1e-6), and 1e-6 for an empty axis
///
/// One k serves U and W and every stage of the group: |Re U| … |Im W| ≤ M because each is half a sum of two
/// entries, and subtracting a mean of such magnitudes, or 1e-6, never leaves max(M, 1e-6). So term ≤ 2^30,
/// and int64 holds a group of 2^32 complex entries.
struct ScaleSum {
    std::int64_t sum = 0;
    std::int64_t count = 0;

    ScaleSum& operator+=(const ScaleSum& other) noexcept {
        sum += other.sum;
        count += other.count;
        return *this;
    }
};

/// 2^k for a group whose largest magnitude is `maxAbs` (finite).
[[nodiscard]] inline float scalePower(float maxAbs) noexcept {
    return std::ldexp(1.0F, 29 - std::ilogb(std::max(maxAbs, kScaleFloor)));
}

[[nodiscard]] inline std::int32_t scaleTerm(float magnitude, float power) noexcept {
    return static_cast<std::int32_t>(std::lrint(magnitude * power));
}

[[nodiscard]] inline float scaleOf(const ScaleSum& sum, float power) noexcept {
    if (sum.count == 0) return kScaleFloor;
    const double mean =
        static_cast<double>(sum.sum) / (static_cast<double>(sum.count) * static_cast<double>(power));
    return std::max(static_cast<float>(mean), kScaleFloor);
}

} // namespace fairy2::quant
