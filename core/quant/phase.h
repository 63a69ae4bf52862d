// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

namespace fairy2::quant {

/// The four codewords; codes and counts stand everywhere in the order 0..3 = +1, +i, −1, −i.
enum class Phase : std::uint8_t { PlusOne = 0, PlusI = 1, MinusOne = 2, MinusI = 3 };

/// Nearest fourth root of unity by phase, k = ⌊2θ/π + ½⌋ mod 4 without trigonometry (DESIGN §4).
/// |Re|>|Im| → ±1, |Im|>|Re| → ±i; ties: first quadrant → +i, second → −1, third → −i, fourth → +1; zero →
/// +1.
template <typename Real>
[[nodiscard]] inline Phase phaseOf(Real re, Real im) noexcept {
    const Real absRe = std::abs(re);
    const Real absIm = std::abs(im);
    const bool tieOnReal = absRe == absIm && (re == Real(0) || (re > 0) != (im > 0));
    if (absRe > absIm || tieOnReal) return re >= Real(0) ? Phase::PlusOne : Phase::MinusOne;
    return im >= Real(0) ? Phase::PlusI : Phase::MinusI;
}

[[nodiscard]] inline bool onRealAxis(Phase phase) noexcept {
    return (static_cast<unsigned>(phase) & 1U) == 0;
}

/// Sign of the codeword along its axis: +1 for +1 and +i, −1 for −1 and −i.
[[nodiscard]] inline int signOf(Phase phase) noexcept {
    return (static_cast<unsigned>(phase) & 2U) == 0 ? 1 : -1;
}

} // namespace fairy2::quant
