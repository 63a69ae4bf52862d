// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/page.h"

class QStackedLayout;

namespace fairy2::itemmodels {
class LayersModel;
}

namespace fairy2::plots {
class LadderPlot;
}

namespace fairy2::shell {
class EmptyState;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::pages {

class DetailPanel;
class LayerAnalysis;
class LayersPanel;
class PhasePanel;

/// The open model: its layers, their weights on the phase plane, and what each residual stage leaves.
class ModelsPage : public shell::Page {
    Q_OBJECT
public:
    explicit ModelsPage(shell::Workspace& workspace, QWidget* parent = nullptr);
    ~ModelsPage() override;
    [[nodiscard]] QString breadcrumb() const override;
    [[nodiscard]] LayerAnalysis& analysis() { return *m_analysis; }

private:
    QWidget* makeEmptyState();
    QWidget* makeContent();
    void showCheckpoint();
    void showLayer(int layer);
    void showReport(int layer);
    void restart();

    shell::Workspace& m_workspace;
    QStackedLayout* m_stack;
    shell::EmptyState* m_empty = nullptr;
    itemmodels::LayersModel* m_layers;
    LayerAnalysis* m_analysis;
    LayersPanel* m_layersPanel = nullptr;
    PhasePanel* m_phase = nullptr;
    plots::LadderPlot* m_ladder = nullptr;
    DetailPanel* m_detail = nullptr;
    int m_layer = -1;
};

} // namespace fairy2::pages
