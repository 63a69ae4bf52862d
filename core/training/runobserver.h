// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/rundirectory.h"
#include "training/trainingcheckpoint.h"

namespace fairy2::training {

/// Writes what a loop tells into the run's log, and its checkpoints. A log that cannot be written (a full
/// disk) is said once on stderr and does not stop the training, nor does a save that is not the last.
class RunObserver final : public TrainingObserver {
public:
    RunObserver(runs::RunLogWriter log, base::Path checkpoints, const Engine& engine,
                CheckpointContext context, std::int64_t maxSteps, const base::Cancel& stop);

    base::Result<void> onStep(const StepRecord& record) override;
    base::Result<void> onValidation(std::int64_t step, double natsPerToken) override;
    base::Result<void> onSave(const Progress& progress) override;

    void document(std::int64_t step, const base::Json& document, bool durable = false);

private:
    void scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values);
    void keep(const base::Result<void>& written);
    void layers(const StepRecord& record);

    runs::RunLogWriter m_log;
    base::Path m_checkpoints;
    const Engine& m_engine;
    CheckpointContext m_context;
    std::int64_t m_maxSteps;
    const base::Cancel& m_stop;
    std::int64_t m_skipped = 0;
    bool m_logBroken = false;
    double m_said = 0;
};

} // namespace fairy2::training
