// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace fairy2::training {

/// One AdamW update of Loshchilov & Hutter (arXiv 1711.05101) with the arithmetic of torch.optim.AdamW:
///   w ← w·(1 − lr·decay);  m ← m + (1−β1)(g − m);  v ← β2·v + (1−β2)g²
///   w ← w − lr/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)
struct AdamW {
    double learningRate = 0;
    double beta1 = 0.9;
    double beta2 = 0.95;
    double eps = 1e-8;
    double weightDecay = 0;
    std::int64_t update = 1;  ///< t, counted from 1
    double gradientScale = 1; ///< of clipping, applied to g first
};

/// Updates one parameter in place; all spans have the same length. Entries are independent, so the result
/// does not depend on the number of threads.
void applyAdamW(const AdamW& step, std::span<float> weight, std::span<float> firstMoment,
                std::span<float> secondMoment, std::span<const float> gradient, int threads);

/// Σ g² in double, summed in fixed blocks so that the result is the same for any number of threads.
[[nodiscard]] double sumOfSquares(std::span<const float> values, int threads);

/// torch.nn.utils.clip_grad_norm_: min(1, maxNorm / (norm + 1e-6)); 1 when maxNorm is 0.
[[nodiscard]] double clipScale(double norm, double maxNorm) noexcept;

} // namespace fairy2::training
