// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/runrow.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fairy2::itemmodels {

/// The scalars of one tag of a run, by step.
struct MetricSeries {
    std::vector<std::int64_t> steps;
    std::vector<double> values;
    [[nodiscard]] bool empty() const noexcept { return steps.empty(); }
    [[nodiscard]] std::optional<double> last() const;
};

/// What charts measure a run along.
enum class Progress { Steps, Tokens, Time };

/// All series of one run that charts draw.
struct RunMetrics {
    std::map<std::string, MetricSeries> byTag;

    [[nodiscard]] const MetricSeries* find(const std::string& tag) const;
    /// Where the points of a series lie along `progress`: steps, tokens, or seconds of training. Seconds are
    /// summed from the speed that was logged, so pauses between attempts do not count.
    [[nodiscard]] std::vector<double> along(const MetricSeries& series, Progress progress,
                                            double tokensPerStep) const;
};

} // namespace fairy2::itemmodels
