// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "config/runspec.h"
#include "training/rowsampler.h"

namespace fairy2::training {

/// Where a run stands between two steps: with the engine's tensors all that a resumed run needs.
struct Progress {
    std::int64_t step = 0;     ///< optimiser steps done, skipped ones included
    std::int64_t position = 0; ///< rows of the training stream taken
    std::int64_t tokens = 0;   ///< taken so far
    std::int64_t skipped = 0;  ///< steps whose loss or gradient was not finite
    std::int64_t skippedInARow = 0;
    double lastLoss = 0; ///< of the last step that was not skipped
};

/// What one step looked like.
struct StepRecord {
    std::int64_t step = 0; ///< counted from 1: the number of steps done with it
    Loss loss;             ///< mean over the micro-batches
    double learningRate = 0;
    double tokensPerSecond = 0;
    StepOutcome outcome;
    bool sampled = false; ///< outcome.flipRate, residualEnergy and layers are filled
};

/// Hears what happens in a run and keeps its checkpoints. An error from it ends the run.
class TrainingObserver {
public:
    virtual ~TrainingObserver() = default;
    [[nodiscard]] virtual base::Result<void> onStep(const StepRecord& record) = 0;
    /// Mean loss over the validation rows after `step` steps.
    [[nodiscard]] virtual base::Result<void> onValidation(std::int64_t step, double natsPerToken) = 0;
    /// A point to save: every save_every steps, when asked to stop, and at the end.
    [[nodiscard]] virtual base::Result<void> onSave(const Progress& progress) = 0;
};

enum class LoopEnd { Finished, Stopped };

/// Optimiser steps from where `progress` stands to spec.maxSteps. It knows neither files nor tensors: the
/// engine computes, the observer keeps.
class TrainingLoop {
public:
    /// `validation` may be empty; all arguments outlive the loop.
    TrainingLoop(Engine& engine, const config::RunSpec& spec, const RowSampler& rows,
                 const std::vector<Batch>& validation, TrainingObserver& observer);

    /// `stop` is looked at between steps: then a save, then Stopped. Fails after kMostSkipped steps in a row
    /// without a finite loss, naming the first of them.
    [[nodiscard]] base::Result<LoopEnd> run(Progress& progress, const base::Cancel& stop);

    static constexpr std::int64_t kMostSkipped = 10;
    /// Layer statistics cost some passes over the weights; every so many steps that is below 1 % of the work.
    static constexpr std::int64_t kStatisticsEvery = 10;

private:
    [[nodiscard]] base::Result<void> step(Progress& progress);
    [[nodiscard]] base::Result<Loss> accumulate(std::int64_t position);
    [[nodiscard]] base::Result<void> validate(std::int64_t step);
    [[nodiscard]] bool samples(std::int64_t step) const noexcept;

    Engine& m_engine;
    const config::RunSpec& m_spec;
    const RowSampler& m_rows;
    const std::vector<Batch>& m_validation;
    TrainingObserver& m_observer;
};

/// Mean loss in nats per token over rows, with its standard error over rows.
struct EvaluationLoss {
    double natsPerToken = 0;
    double standardError = 0;
    std::int64_t tokensScored = 0;
};
[[nodiscard]] base::Result<EvaluationLoss> evaluationLoss(Engine& engine, const std::vector<Batch>& batches,
                                                          const base::Task& task = {});

} // namespace fairy2::training
