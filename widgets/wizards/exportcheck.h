// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "data/tokenrows.h"
#include "models/checkpoint.h"

#include <optional>
#include <string>

namespace fairy2::wizards {

/// What a look before the export found.
struct ExportCheck {
    std::string layer;        ///< the largest quantised one: packed, unpacked and compared code by code
    double relativeError = 0; ///< ‖A − A_q‖² / ‖A‖² of it
    struct Sample {
        double sourceLoss = 0; ///< nats per token of the source as it is
        double exportLoss = 0; ///< of what will be written
        double kld = 0;        ///< mean KL(source ‖ export), nats per token
        std::int64_t tokens = 0;
    };
    std::optional<Sample> sample; ///< absent when no tokens were given
};

/// Packs and unpacks the largest layer that `recipe` quantises, and scores a few rows before and after.
/// Failed when a code or scale does not come back. `rows` may be null.
[[nodiscard]] base::Result<ExportCheck> checkExport(const models::Checkpoint& source,
                                                    const quant::ModelRecipe& recipe,
                                                    const data::TokenRows* rows, const base::Task& task);

} // namespace fairy2::wizards
