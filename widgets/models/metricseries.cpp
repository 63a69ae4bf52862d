// SPDX-License-Identifier: Apache-2.0
#include "models/metricseries.h"

#include <algorithm>

namespace fairy2::itemmodels {

std::optional<double> MetricSeries::last() const {
    if (values.empty()) return {};
    return values.back();
}

const MetricSeries* RunMetrics::find(const std::string& tag) const {
    const auto found = byTag.find(tag);
    return found == byTag.end() || found->second.empty() ? nullptr : &found->second;
}

std::vector<double> RunMetrics::along(const MetricSeries& series, Progress progress,
                                      double tokensPerStep) const {
    std::vector<double> x(series.steps.begin(), series.steps.end());
    if (progress == Progress::Tokens)
        for (double& value : x)
            value *= tokensPerStep;
    if (progress != Progress::Time) return x;

    // Seconds of training at the end of each step whose speed is known; in between, evenly.
    std::vector<double> steps{0};
    std::vector<double> seconds{0};
    if (const auto* speed = find(tags::kSpeed))
        for (std::size_t i = 0; i < speed->steps.size(); ++i) {
            if (!(speed->values[i] > 0)) continue;
            const auto step = static_cast<double>(speed->steps[i]);
            seconds.push_back(seconds.back() + (step - steps.back()) * tokensPerStep / speed->values[i]);
            steps.push_back(step);
        }
    for (double& value : x) {
        const auto after = std::lower_bound(steps.begin(), steps.end(), value);
        if (after == steps.end()) {
            value = seconds.back();
            continue;
        }
        const auto i = static_cast<std::size_t>(after - steps.begin());
        const double share = i == 0 ? 0 : (value - steps[i - 1]) / (steps[i] - steps[i - 1]);
        value = i == 0 ? seconds[0] : seconds[i - 1] + share * (seconds[i] - seconds[i - 1]);
    }
    return x;
}

} // namespace fairy2::itemmodels
