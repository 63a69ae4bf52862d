// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plots/plotview.h"

#include <vector>

namespace fairy2::plots {

/// Residual ladder: for every layer (x, in model order) the share of energy left after stage 1, 2, … (y,
/// logarithmic). A click on a layer selects it.
class LadderPlot : public PlotView {
    Q_OBJECT
public:
    explicit LadderPlot(const QString& name, QWidget* parent = nullptr);
    ~LadderPlot() override;

    /// Names for the readout, and the block each layer belongs to (−1 = none) for the ticks; clears the data.
    void setLayers(const QStringList& names, const std::vector<int>& blocks);
    /// Energy left after each stage, as shares of the layer's own; layers arrive one by one.
    void setEnergy(int layer, const std::vector<double>& afterStage);
    /// The band behind the selected layer; −1 = none.
    void setSelected(int layer);
    [[nodiscard]] bool isEmpty() const override;

signals:
    void layerClicked(int layer);

protected:
    void redraw(const shell::Colors& colors) override;
    void fitRanges() override;
    [[nodiscard]] QStringList dataLines() const override;
    QString readoutAt(const QPointF& position) override;
    void clicked(const QPointF& position) override;

private:
    struct Items;
    [[nodiscard]] int layerAt(const QPointF& position) const;

    QStringList m_names;
    std::vector<int> m_blocks;
    std::vector<std::vector<double>> m_energy; ///< per layer, per stage; empty = not known yet
    int m_selected = -1;
    std::unique_ptr<Items> m_items;
};

} // namespace fairy2::plots
