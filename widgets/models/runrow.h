// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/registry.h"

#include <QList>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fairy2::itemmodels {

/// Tags of the scalars that a run logs and the window knows by name.
namespace tags {
inline constexpr const char* kLoss = "loss";
inline constexpr const char* kValidationLoss = "val_loss";
inline constexpr const char* kLearningRate = "lr";
inline constexpr const char* kSpeed = "tokens_per_second";
inline constexpr const char* kTokens = "tokens";
inline constexpr const char* kFlipRate = "flip_rate";
inline constexpr const char* kResidualEnergy = "residual_energy";
inline constexpr const char* kSkippedSteps = "skipped_steps";
} // namespace tags

/// One run as tables show it: the summary of its log and the few figures worth a column.
struct RunRow {
    runs::RunSummary summary;
    int color = 0;                       ///< index into the run palette, the same for ever
    std::optional<double> bitsPerWeight; ///< over the quantised linears, scales included; 16 = not quantised
    std::optional<double> loss;          ///< last value, nats per token
    std::optional<double> bestLoss;
    std::optional<double> validationLoss; ///< last value, nats per token
    std::optional<double> bestValidationLoss;
    std::optional<double> tokensPerSecond;
    std::optional<double> tokensPerStep; ///< of one optimiser step, all processes together
    QList<double> curve;                 ///< the loss thinned out for a sparkline

    [[nodiscard]] double progress() const noexcept; ///< 0..1
    /// Whether another process may still be writing to its log.
    [[nodiscard]] bool live() const noexcept { return !runs::isFinal(summary.state); }
};

/// The name a person gave, else the first eight digits of the uuid.
[[nodiscard]] std::string displayName(const runs::RunSummary& summary);

/// Reads every run of the registry with its figures. Keeps what cannot have changed since the last call, so a
/// poll costs little however many runs there are. Belongs to one worker thread.
class RunRowReader {
public:
    /// Newest first.
    [[nodiscard]] base::Result<std::vector<RunRow>> read(const runs::Registry& registry, bool withArchived);

private:
    std::map<std::string, RunRow> m_rows; ///< by uuid
};

} // namespace fairy2::itemmodels
