// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/registry.h"
#include "verb.h"

namespace fairy2::cli {

/// {runs: [uuid…], differences: {key: [value of each run]}, metrics: {tag: [last value of each run]}}
[[nodiscard]] base::Result<Outcome> compareRuns(const std::vector<runs::RunSummary>& runs,
                                                const runs::Registry& registry);

} // namespace fairy2::cli
