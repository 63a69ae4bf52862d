// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

namespace fairy2::infer {

/// out = x / sqrt(mean(x²) + eps) · weight, n entries. out may be x.
void rmsNorm(const float* x, const float* weight, std::int64_t n, float eps, float* out);

/// gate = silu(gate) · up, n entries; silu(x) = x / (1 + exp(−x)).
void siluMultiply(float* gate, const float* up, std::int64_t n);

/// x = softmax(scale · x), n entries, scale > 0.
void softmax(float* x, std::int64_t n, float scale);

/// log Σ exp over entries that come in pieces, and where the largest was.
struct LogSumExp {
    float max = -std::numeric_limits<float>::infinity();
    std::int64_t argmax = -1;
    double sum = 0; ///< Σ exp(x − max)

    [[nodiscard]] double value() const;
};
/// Adds n entries, the first of which has the index `first`.
void accumulate(LogSumExp& state, const float* x, std::int64_t n, std::int64_t first);

/// What KL(teacher‖student) of two softmax distributions needs from logits that come in pieces.
struct DivergenceSums {
    LogSumExp teacher;
    LogSumExp student;
    double difference = 0; ///< Σ exp(t − teacher.max) (t − s)

    [[nodiscard]] double divergence() const; ///< nats, not below 0
};
void accumulate(DivergenceSums& state, const float* teacher, const float* student, std::int64_t n,
                std::int64_t first);

} // namespace fairy2::infer
