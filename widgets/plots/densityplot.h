// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plots/plotview.h"
#include "quant/analysis.h"

namespace fairy2::plots {

/// The phase plane: density of the entries of U (left) and W (right) on the complex plane, logarithmic; the
/// sector boundaries; the codewords of the stage with the share of entries that take each. Both panels zoom
/// and pan together and keep circles round.
class DensityPlot : public PlotView {
    Q_OBJECT
public:
    explicit DensityPlot(const QString& name, QWidget* parent = nullptr);
    ~DensityPlot() override;

    void setPlane(std::shared_ptr<const quant::PhasePlane> plane);
    void clear();
    [[nodiscard]] bool isEmpty() const override { return m_plane == nullptr; }

protected:
    void redraw(const shell::Colors& colors) override;
    void fitRanges() override;
    void arrange() override;
    [[nodiscard]] QStringList dataLines() const override;
    QString readoutAt(const QPointF& position) override;

private:
    struct Panel;
    void link(Panel& from, Panel& to);
    [[nodiscard]] const quant::PhaseDensity& densityOf(const Panel& panel) const;

    std::shared_ptr<const quant::PhasePlane> m_plane;
    bool m_planeIsNew = false;
    std::unique_ptr<Panel> m_u;
    std::unique_ptr<Panel> m_w;
};

} // namespace fairy2::plots
