// SPDX-License-Identifier: Apache-2.0
#include "training/loop.h"

#include "base/clock.h"

#include <cmath>
#include <fmt/format.h>

namespace fairy2::training {

TrainingLoop::TrainingLoop(Engine& engine, const config::RunSpec& spec, const RowSampler& rows,
                           const std::vector<Batch>& validation, TrainingObserver& observer)
    : m_engine(engine), m_spec(spec), m_rows(rows), m_validation(validation), m_observer(observer) {}

base::Result<LoopEnd> TrainingLoop::run(Progress& progress, const base::Cancel& stop) {
    std::int64_t saved = progress.step == 0 ? -1 : progress.step;
    if (progress.step == 0) FAIRY2_TRY(validate(0));
    while (progress.step < m_spec.maxSteps && !stop.requested()) {
        FAIRY2_TRY(step(progress));
        const bool due = m_spec.saveEvery > 0 && progress.step % m_spec.saveEvery == 0;
        if (!due) continue;
        FAIRY2_TRY(m_observer.onSave(progress));
        saved = progress.step;
    }
    // Asked to stop before the first step: there is nothing to save that the model itself does not hold.
    if (saved != progress.step && progress.step > 0) FAIRY2_TRY(m_observer.onSave(progress));
    return progress.step < m_spec.maxSteps ? LoopEnd::Stopped : LoopEnd::Finished;
}

base::Result<void> TrainingLoop::step(Progress& progress) {
    const double started = base::steadyTime();
    StepRecord record;
    record.learningRate = m_spec.learningRateAt(progress.step);
    FAIRY2_ASSIGN(record.loss, accumulate(progress.position));
    record.step = progress.step + 1;
    record.sampled = samples(record.step);
    FAIRY2_ASSIGN(record.outcome, m_engine.finishStep({record.learningRate, record.sampled}));
    record.sampled = record.sampled && !record.outcome.skipped;

    const std::int64_t rows = m_spec.microBatchSize * m_spec.gradientAccumulation;
    progress.step = record.step;
    progress.position += rows;
    progress.tokens += rows * m_rows.length();
    progress.skipped += record.outcome.skipped ? 1 : 0;
    progress.skippedInARow = record.outcome.skipped ? progress.skippedInARow + 1 : 0;
    if (!record.outcome.skipped) progress.lastLoss = record.loss.total;
    record.tokensPerSecond = static_cast<double>(rows * m_rows.length()) / (base::steadyTime() - started);
    FAIRY2_TRY(m_observer.onStep(record));
    if (progress.skippedInARow >= kMostSkipped)
        return base::fail(
            base::ErrorCode::Failed,
            fmt::format("{} steps in a row, from step {} on, had a loss or gradient that is not finite",
                        kMostSkipped, progress.step - kMostSkipped + 1),
            {}, "training.learning_rate", "resume with a lower learning rate or a smaller clip_norm");

    const bool last = progress.step == m_spec.maxSteps;
    if (last || (m_spec.evalEvery > 0 && progress.step % m_spec.evalEvery == 0))
        return validate(progress.step);
    return {};
}

base::Result<Loss> TrainingLoop::accumulate(std::int64_t position) {
    const auto share = 1.0 / static_cast<double>(m_spec.gradientAccumulation);
    Loss mean;
    for (std::int64_t micro = 0; micro < m_spec.gradientAccumulation; ++micro) {
        const auto batch = m_rows.batch(position + micro * m_spec.microBatchSize, m_spec.microBatchSize);
        FAIRY2_ASSIGN(const Loss loss, m_engine.accumulate(batch, share));
        mean.total += loss.total * share;
        mean.crossEntropy += loss.crossEntropy * share;
        mean.distillation += loss.distillation * share;
    }
    return mean;
}

base::Result<void> TrainingLoop::validate(std::int64_t step) {
    if (m_validation.empty()) return {};
    FAIRY2_ASSIGN(const auto loss, evaluationLoss(m_engine, m_validation));
    return m_observer.onValidation(step, loss.natsPerToken);
}

bool TrainingLoop::samples(std::int64_t step) const noexcept {
    return step == 1 || step == m_spec.maxSteps || step % kStatisticsEvery == 0;
}

base::Result<EvaluationLoss> evaluationLoss(Engine& engine, const std::vector<Batch>& batches,
                                            const base::Task& task) {
    double sum = 0;
    double sumOfMeans = 0;
    double sumOfSquaredMeans = 0;
    std::int64_t rows = 0;
    std::int64_t done = 0;
    EvaluationLoss result;
    for (const Batch& batch : batches) {
        if (task.cancelled()) return base::cancelled();
        FAIRY2_ASSIGN(const auto losses, engine.evaluate(batch));
        for (const double row : losses) {
            const double mean = row / static_cast<double>(batch.length - 1);
            sum += row;
            sumOfMeans += mean;
            sumOfSquaredMeans += mean * mean;
        }
        rows += batch.rows;
        result.tokensScored += batch.scored();
        task.progress(++done, static_cast<std::int64_t>(batches.size()), "scoring");
    }
    if (result.tokensScored == 0)
        return base::badInput("no row has two tokens, so there is nothing to score", {}, "tokens");
    const auto count = static_cast<double>(rows);
    result.natsPerToken = sum / static_cast<double>(result.tokensScored);
    if (rows > 1) {
        const double variance = (sumOfSquaredMeans - sumOfMeans * sumOfMeans / count) / (count - 1);
        result.standardError = std::sqrt(std::max(0.0, variance) / count);
    }
    return result;
}

} // namespace fairy2::training
