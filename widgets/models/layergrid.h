// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "models/checkpoint.h"

#include <QStringList>
#include <optional>
#include <vector>

namespace fairy2::itemmodels {

/// Where a linear stands in a decoder: block 3, "gate".
struct LayerPlace {
    int block = 0;
    QString projection;
};
/// Nothing for layers outside the blocks (lm_head).
[[nodiscard]] std::optional<LayerPlace> placeOf(const std::string& linear);

/// SQNR of every linear after one and after two stages, blocks × projections.
struct LayerGrid {
    QStringList blocks;      ///< "block 0"
    QStringList projections; ///< "q", "k", "v", "o", "gate", "up", "down"
    std::vector<double> w1;  ///< dB, row-major; NaN where a layer is missing or cannot be quantised
    std::vector<double> w2;
};
/// Reads and analyses all weights: for a worker thread.
[[nodiscard]] base::Result<LayerGrid> analyzeLayers(const models::Checkpoint& checkpoint,
                                                    const base::Task& task);

} // namespace fairy2::itemmodels
