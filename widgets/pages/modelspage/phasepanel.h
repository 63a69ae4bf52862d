// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"
#include "quant/analysis.h"
#include "shell/card.h"
#include "shell/jobrunner.h"

#include <QCache>

#include <memory>

namespace fairy2::plots {
class DensityPlot;
}

namespace fairy2::shell {
class SegmentedButtons;
}

namespace fairy2::pages {

/// The phase plane of one layer: weights, or what is left of them after a stage.
class PhasePanel : public shell::Card {
    Q_OBJECT
public:
    explicit PhasePanel(shell::JobRunner& jobs, QWidget* parent = nullptr);

    void setCheckpoint(std::shared_ptr<const models::Checkpoint> checkpoint);
    void setLayer(int layer);
    /// The stage whose input is shown: 0 = the weights.
    [[nodiscard]] int stage() const;
    [[nodiscard]] plots::DensityPlot& plot() { return *m_plot; }

signals:
    void scaleChosen(quant::ScaleGranularity scale);
    void stageChosen(int stage);
    /// What setLayer() asked for is on the screen, or failed.
    void planeShown();

private:
    void load();
    void show(const std::shared_ptr<const quant::PhasePlane>& plane);
    [[nodiscard]] quant::ScaleGranularity scale() const;

    shell::JobRunner& m_jobs;
    std::shared_ptr<const models::Checkpoint> m_checkpoint;
    int m_layer = -1;
    shell::SegmentedButtons* m_stages;
    shell::SegmentedButtons* m_scales;
    plots::DensityPlot* m_plot;
    QCache<QString, std::shared_ptr<const quant::PhasePlane>> m_cache;
    shell::JobSlot m_slot;
};

} // namespace fairy2::pages
