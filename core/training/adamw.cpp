// SPDX-License-Identifier: Apache-2.0
#include "training/adamw.h"

#include "base/threads.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fairy2::training {
namespace {

constexpr std::int64_t kBlock = 1 << 16;

std::int64_t blocksOf(std::size_t elements) {
    return (static_cast<std::int64_t>(elements) + kBlock - 1) / kBlock;
}

// Small parameters are not worth waking helpers for.
void forEachBlock(std::size_t elements, int threads,
                  const std::function<void(std::int64_t, std::size_t, std::size_t)>& body) {
    const auto run = [&](std::int64_t block) {
        const auto begin = static_cast<std::size_t>(block * kBlock);
        body(block, begin, std::min(elements, begin + kBlock));
    };
    const std::int64_t blocks = blocksOf(elements);
    base::parallelFor(blocks, run, blocks < 4 ? 1 : threads);
}

} // namespace

void applyAdamW(const AdamW& step, std::span<float> weight, std::span<float> firstMoment,
                std::span<float> secondMoment, std::span<const float> gradient, int threads) {
    const auto t = static_cast<double>(step.update);
    const auto keep = static_cast<float>(1.0 - step.learningRate * step.weightDecay);
    const auto gain1 = static_cast<float>(1.0 - step.beta1);
    const auto beta2 = static_cast<float>(step.beta2);
    const auto gain2 = static_cast<float>(1.0 - step.beta2);
    const auto rootCorrection = static_cast<float>(std::sqrt(1.0 - std::pow(step.beta2, t)));
    const auto stepSize = static_cast<float>(step.learningRate / (1.0 - std::pow(step.beta1, t)));
    const auto eps = static_cast<float>(step.eps);
    const auto scale = static_cast<float>(step.gradientScale);
    forEachBlock(weight.size(), threads, [&](std::int64_t, std::size_t begin, std::size_t end) {
        float* const w = weight.data();
        float* const m = firstMoment.data();
        float* const v = secondMoment.data();
        const float* const gradients = gradient.data();
        for (std::size_t i = begin; i < end; ++i) {
            const float g = gradients[i] * scale;
            m[i] = static_cast<float>(m[i] + static_cast<double>(gain1) * (g - m[i]));
            v[i] = v[i] * beta2 + gain2 * g * g;
            w[i] = w[i] * keep - stepSize * m[i] / (std::sqrt(v[i]) / rootCorrection + eps);
        }
    });
}

double sumOfSquares(std::span<const float> values, int threads) {
    std::vector<double> partial(static_cast<std::size_t>(blocksOf(values.size())));
    forEachBlock(values.size(), threads, [&](std::int64_t block, std::size_t begin, std::size_t end) {
        double sum = 0;
        for (std::size_t i = begin; i < end; ++i)
            sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
        partial[static_cast<std::size_t>(block)] = sum;
    });
    double total = 0;
    for (const double sum : partial)
        total += sum;
    return total;
}

double clipScale(double norm, double maxNorm) noexcept {
    return maxNorm > 0 ? std::min(1.0, maxNorm / (norm + 1e-6)) : 1.0;
}

} // namespace fairy2::training
