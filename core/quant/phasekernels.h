// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/scalesum.h"

#include <array>
#include <cstdint>
#include <span>

namespace fairy2::quant {

/// A rectangle of complex entries, as the four rectangles of floats of the real matrix they come from (A11,
/// A12, A21, A22 of the halves).
struct Segment {
    const float* a11 = nullptr;
    const float* a12 = nullptr;
    const float* a21 = nullptr;
    const float* a22 = nullptr;
    std::int64_t count = 0; ///< entries in a row
    std::int64_t rows = 1;
    std::int64_t stride = 0; ///< floats from one row to the next
};

/// Where the same entries of A_q go, with the stride of the segment; may be the segment's own memory.
struct SegmentOut {
    float* a11 = nullptr;
    float* a12 = nullptr;
    float* a21 = nullptr;
    float* a22 = nullptr;
};

/// Scales of one stage of U and W in one group.
struct StageScale {
    float uRe = 0, uIm = 0, wRe = 0, wIm = 0;
};

/// Scale sums of one stage over the entries seen so far.
struct StageSums {
    ScaleSum uRe, uIm, wRe, wIm;

    StageSums& operator+=(const StageSums& other) noexcept {
        uRe += other.uRe;
        uIm += other.uIm;
        wRe += other.wRe;
        wIm += other.wIm;
        return *this;
    }
};

/// What one stage meets in U or W, beside its scale sums.
struct StageTally {
    std::array<std::int64_t, 4> counts{}; ///< of the codes
    double angle = 0;                     ///< Σ of the angles to the nearest axis, radians, 0..π/4 each

    StageTally& operator+=(const StageTally& other) noexcept {
        for (std::size_t code = 0; code < 4; ++code)
            counts[code] += other.counts[code];
        angle += other.angle;
        return *this;
    }
};

/// Energy of U and W apart.
struct Energy {
    double u = 0;
    double w = 0;
};

// SIMD inner loops (Highway, the best instruction set of the machine is chosen at run time). All of them
// split A into U and W, and walk the residual stages, in registers: nothing is stored in between. They are
// plain functions of their inputs; codes, scales and A_q are equal to the scalar formulas bit for bit on
// every instruction set.

/// max |x| as IEEE bits without the sign: ordered like the magnitudes, ≥ 0x7f800000 if one is NaN or Inf.
[[nodiscard]] std::uint32_t maxAbsBits(const float* values, std::int64_t count);

/// Adds the scale sums of stage done.size(), that is of the residual after the stages in `done`.
void addStageSums(const Segment& segment, std::span<const StageScale> done, float power, StageSums& sums);

/// The same and further statistics of that stage; rowEnergy[row] grows by the energy of the residual.
void addStageTally(const Segment& segment, std::span<const StageScale> done, float power, StageSums& sums,
                   StageTally& u, StageTally& w, Energy* rowEnergy);

/// rowEnergy[row] grows by the energy of the residual after the stages in `done`.
void addResidualEnergy(const Segment& segment, std::span<const StageScale> done, Energy* rowEnergy);

/// Writes the residual after the stages in `done` as planes of segment.count × segment.rows entries.
void residualPlanes(const Segment& segment, std::span<const StageScale> done, float* uRe, float* uIm,
                    float* wRe, float* wIm);

/// Writes the codes of every stage: uCodes[t], wCodes[t], rows `codeStride` bytes apart.
void encodeStages(const Segment& segment, std::span<const StageScale> stages, std::uint8_t* const* uCodes,
                  std::uint8_t* const* wCodes, std::int64_t codeStride);

/// Writes A_q.
void reconstruct(const Segment& segment, std::span<const StageScale> stages, const SegmentOut& out);

} // namespace fairy2::quant
