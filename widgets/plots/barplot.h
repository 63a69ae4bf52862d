// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plots/plotview.h"

#include <vector>

namespace fairy2::plots {

/// Grouped bars: for every category one bar of each series; the value stands on the bar when there is room.
class BarPlot : public PlotView {
    Q_OBJECT
public:
    struct Series {
        QString title;
        std::vector<double> values; ///< one per category; NaN = no bar
        /// One colour for all bars of the series, or one per category.
        std::vector<QColor> colors;
    };

    explicit BarPlot(const QString& name, QWidget* parent = nullptr);
    ~BarPlot() override;

    void setBars(const QStringList& categories, std::vector<Series> series);
    [[nodiscard]] bool isEmpty() const override { return m_series.empty() || m_categories.isEmpty(); }

protected:
    void redraw(const shell::Colors& colors) override;
    void fitRanges() override;
    [[nodiscard]] QStringList dataLines() const override;
    QString readoutAt(const QPointF& position) override;

private:
    class Bars;
    [[nodiscard]] QString valueText(double value) const;

    QStringList m_categories;
    std::vector<Series> m_series;
    Bars* m_bars; ///< owned by the canvas
};

} // namespace fairy2::plots
