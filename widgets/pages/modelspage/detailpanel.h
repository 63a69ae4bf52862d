// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/analysis.h"
#include "shell/card.h"

#include <optional>

class QStackedWidget;

namespace fairy2::itemmodels {
class LayersModel;
class StagesModel;
} // namespace fairy2::itemmodels

namespace fairy2::plots {
class BarPlot;
class CurvePlot;
class ScatterPlot;
} // namespace fairy2::plots

namespace fairy2::shell {
class SegmentedButtons;
class TableView;
} // namespace fairy2::shell

namespace fairy2::pages {

/// The small card: code counts, scales and row profile of the layer, or SQNR against Δloss of all layers.
class DetailPanel : public shell::Card {
    Q_OBJECT
public:
    explicit DetailPanel(const itemmodels::LayersModel& layers, QWidget* parent = nullptr);

    /// What is known about the layer; nothing while it is being analysed.
    void setReport(int layer, const std::optional<quant::LayerReport>& report);
    void setStage(int stage);
    /// The costs of the layers changed, or the analysis is complete.
    void refreshScatter();

signals:
    void layerClicked(int layer);

private:
    void show(const QString& view);
    void showCodes();
    void showRows();

    const itemmodels::LayersModel& m_layers;
    int m_layer = -1;
    int m_stage = 0;
    std::optional<quant::LayerReport> m_report;
    shell::SegmentedButtons* m_views;
    QStackedWidget* m_stack;
    plots::BarPlot* m_codes;
    itemmodels::StagesModel* m_stages;
    shell::TableView* m_scales;
    plots::CurvePlot* m_rows;
    plots::ScatterPlot* m_scatter;
};

} // namespace fairy2::pages
