// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/runspec.h"
#include "models/checkpoint.h"

#include <optional>

namespace fairy2::itemmodels {

/// What a training run will need, from shapes alone; an estimate to choose by, not a promise.
struct TrainingEstimate {
    double masterBytes = 0;     ///< fp32 weights
    double gradientBytes = 0;   ///< fp32
    double optimizerBytes = 0;  ///< two fp32 moments of AdamW
    double quantizedBytes = 0;  ///< A_q of every quantised linear
    double activationBytes = 0; ///< of one micro-batch, logits included
    double tokensPerStep = 0;
    double tokens = 0; ///< of the whole run
    double flop = 0;   ///< of the whole run, forward and backward

    [[nodiscard]] double bytes() const noexcept {
        return masterBytes + gradientBytes + optimizerBytes + quantizedBytes + activationBytes;
    }
};

/// `rowLength` is the length of the token rows, which counts when the spec leaves the sequence length open.
[[nodiscard]] TrainingEstimate estimateTraining(const config::RunSpec& spec,
                                                const models::Checkpoint& checkpoint, std::int64_t rowLength);

/// Physical memory of this machine, bytes; nothing when the system does not say.
[[nodiscard]] std::optional<double> physicalMemory();

} // namespace fairy2::itemmodels
