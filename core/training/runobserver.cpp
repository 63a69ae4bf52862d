// SPDX-License-Identifier: Apache-2.0
#include "training/runobserver.h"

#include "base/clock.h"
#include "base/log.h"

#include <fmt/format.h>

namespace fairy2::training {

RunObserver::RunObserver(runs::RunLogWriter log, base::Path checkpoints, const Engine& engine,
                         CheckpointContext context, std::int64_t maxSteps, const base::Cancel& stop)
    : m_log(std::move(log)), m_checkpoints(std::move(checkpoints)), m_engine(engine),
      m_context(std::move(context)), m_maxSteps(maxSteps), m_stop(stop) {}

base::Result<void> RunObserver::onStep(const StepRecord& record) {
    const auto& outcome = record.outcome;
    std::vector<std::pair<std::string, double>> values = {{"loss", record.loss.total},
                                                          {"grad_norm", outcome.gradNorm},
                                                          {"lr", record.learningRate},
                                                          {"tokens_per_second", record.tokensPerSecond}};
    if (record.loss.total != record.loss.crossEntropy) {
        values.emplace_back("ce_loss", record.loss.crossEntropy);
        values.emplace_back("distill_loss", record.loss.distillation);
    }
    const bool describes = record.sampled && !outcome.layers.empty();
    if (describes) {
        values.emplace_back("flip_rate", outcome.flipRate);
        values.emplace_back("residual_energy", outcome.residualEnergy);
    }
    if (outcome.skipped) values.emplace_back("skipped_steps", static_cast<double>(++m_skipped));
    scalars(record.step, values);
    if (describes) layers(record);

    const double now = base::steadyTime();
    if (outcome.skipped)
        base::log(base::LogLevel::Warning,
                  fmt::format("step {} skipped: loss or gradient is not finite", record.step));
    if (now - m_said < 10 && record.step != m_maxSteps && record.step != 1) return {};
    m_said = now;
    base::log(base::LogLevel::Info,
              fmt::format("step {}/{}  loss {:.4f}  grad norm {:.3f}  lr {:.2e}  {:.0f} tokens/s",
                          record.step, m_maxSteps, record.loss.total, outcome.gradNorm, record.learningRate,
                          record.tokensPerSecond));
    return {};
}

base::Result<void> RunObserver::onValidation(std::int64_t step, double natsPerToken) {
    scalars(step, {{"val_loss", natsPerToken}});
    base::log(base::LogLevel::Info,
              fmt::format("step {}/{}  validation loss {:.4f}", step, m_maxSteps, natsPerToken));
    return {};
}

base::Result<void> RunObserver::onSave(const Progress& progress) {
    const double started = base::steadyTime();
    const auto hash = writeTrainingCheckpoint(m_checkpoints, m_engine, progress, m_context);
    if (!hash) {
        const bool last = m_stop.requested() || progress.step >= m_maxSteps;
        if (last) return tl::unexpected(hash.error());
        base::log(base::LogLevel::Warning, "checkpoint not saved: " + hash.error().sentence());
        document(progress.step, {{"type", "checkpoint_failed"}, {"error", hash.error().toJson()}});
        return {};
    }
    const auto name = checkpointName(progress.step);
    // Relative: a run folder may be moved.
    document(progress.step,
             {{"type", "checkpoint"},
              {"step", progress.step},
              {"path", "checkpoints/" + name},
              {"sha256", *hash},
              {"seconds", base::steadyTime() - started}},
             true);
    base::log(base::LogLevel::Info, fmt::format("saved {}", name));
    return {};
}

void RunObserver::layers(const StepRecord& record) {
    auto rows = base::Json::array();
    for (const LayerStatistics& layer : record.outcome.layers)
        rows.push_back(
            {{"name", layer.name}, {"flip_rate", layer.flipRate}, {"residual_energy", layer.residualEnergy}});
    document(record.step, {{"type", "layers"}, {"step", record.step}, {"layers", rows}});
}

void RunObserver::scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values) {
    keep(m_log.scalars(step, values));
}

void RunObserver::document(std::int64_t step, const base::Json& document, bool durable) {
    keep(m_log.document(step, document, durable));
}

void RunObserver::keep(const base::Result<void>& written) {
    if (!written && !m_logBroken)
        base::log(base::LogLevel::Warning, "the run log cannot be written: " + written.error().sentence());
    m_logBroken = !written;
}

} // namespace fairy2::training
