// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"
#include "quant/analysis.h"
#include "shell/jobrunner.h"

#include <QObject>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace fairy2::pages {

/// Reports over all layers of the open model at one scale granularity: computed once in the background,
/// delivered layer by layer, kept for every granularity that was asked for. Another model or granularity
/// supersedes what is still running.
class LayerAnalysis : public QObject {
    Q_OBJECT
public:
    /// Stages that every report covers: W1, W2 and the rung after them.
    static constexpr int kStages = 3;

    explicit LayerAnalysis(shell::JobRunner& jobs, QObject* parent = nullptr);

    void setCheckpoint(std::shared_ptr<const models::Checkpoint> checkpoint);
    void setScale(quant::ScaleGranularity scale);
    [[nodiscard]] quant::ScaleGranularity scale() const { return m_scale; }
    /// Null while it is not known, also for layers that cannot be quantised.
    [[nodiscard]] const quant::LayerReport* report(int layer) const;
    [[nodiscard]] bool isComplete() const;

signals:
    /// The reports are others: none, or those of another granularity.
    void reset();
    void reportReady(int layer);
    void completed();
    void failed(const base::Error& error);

private:
    using Reports = std::vector<std::optional<quant::LayerReport>>;
    struct State {
        Reports reports;
        bool complete = false;
    };
    void start();

    shell::JobRunner& m_jobs;
    std::shared_ptr<const models::Checkpoint> m_checkpoint;
    quant::ScaleGranularity m_scale = quant::ScaleGranularity::Tensor;
    std::map<quant::ScaleGranularity, State> m_states;
    shell::JobSlot m_slot;
};

} // namespace fairy2::pages
