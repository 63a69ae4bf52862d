// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/engine.h"

#include <ATen/core/Tensor.h>

namespace fairy2::training {

/// The head of the model with its loss, over flattened scored positions. Logits exist for one chunk of
/// positions at a time, so memory does not grow with vocabulary × tokens.
struct HeadInput {
    at::Tensor hidden;  ///< [positions, hidden size], final hidden state
    at::Tensor weight;  ///< [vocab, hidden size]
    at::Tensor targets; ///< [positions] int64: the next token
};

/// Negative log-likelihood of each position in nats, [positions] fp32.
[[nodiscard]] at::Tensor headLoss(const HeadInput& input);

/// Teacher's share of the loss; absent when `weight` is 0.
struct TeacherInput {
    at::Tensor hidden;
    at::Tensor headWeight;
    double weight = 0;
    double temperature = 1;
};

/// Mean losses; adds share · dL/dweight to `weightGradient` and returns share · dL/dhidden.
struct HeadGradient {
    Loss loss;
    at::Tensor hidden;
};
[[nodiscard]] HeadGradient headGradient(const HeadInput& input, const TeacherInput& teacher, double ceWeight,
                                        double share, at::Tensor& weightGradient);

} // namespace fairy2::training
