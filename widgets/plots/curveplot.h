// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plots/plotview.h"
#include "plots/smoothing.h"

#include <map>
#include <vector>

namespace fairy2::plots {

/// Named curves over a common x: losses, rates, shares. Smoothing draws the average with the raw curve as a
/// ghost behind it; the crosshair shows every curve's value at the pointer.
class CurvePlot : public PlotView {
    Q_OBJECT
public:
    explicit CurvePlot(const QString& name, QWidget* parent = nullptr);
    ~CurvePlot() override;

    /// Makes the curve `key` (a run's uuid, a metric) or changes its look. Curves are drawn and listed in the
    /// order they were first made.
    void setSeries(const QString& key, const QString& title, const QColor& color,
                   Qt::PenStyle style = Qt::SolidLine);
    /// Replaces the points; x ascending. A NaN in y breaks the line, e.g. between attempts of a run.
    void setPoints(const QString& key, const std::vector<double>& x, const std::vector<double>& y);
    /// Adds points behind those already there; much cheaper than setPoints().
    void append(const QString& key, const std::vector<double>& x, const std::vector<double>& y);
    void setSeriesVisible(const QString& key, bool visible);
    /// Draws this curve stronger, with a dot at its end; empty = none.
    void setHighlighted(const QString& key);
    void removeSeries(const QString& key);
    void clear();
    [[nodiscard]] QStringList keys() const;

    /// Weight of TensorBoard's average, 0..0.99; 0 = raw values only.
    void setSmoothing(double weight);
    /// A dashed level with a label: a target, the teacher's loss. NaN removes it.
    void setReference(double level, const QString& label);
    /// Labels at the right ends of the curves instead of a legend. Off by default.
    void setEndLabels(bool on);
    [[nodiscard]] bool isEmpty() const override;

signals:
    /// The x under the pointer, NaN when it left: for crosshairs of sister plots.
    void hovered(double x);
    void seriesClicked(const QString& key);

public slots:
    /// Shows the crosshair line at x without a table; NaN hides it.
    void setCrosshair(double x);

protected:
    void redraw(const shell::Colors& colors) override;
    void fitRanges() override;
    [[nodiscard]] QStringList dataLines() const override;
    QString readoutAt(const QPointF& position) override;
    void clicked(const QPointF& position) override;

private:
    struct Series;
    struct Items;
    void addPoints(Series& series, const std::vector<double>& x, const std::vector<double>& y);
    [[nodiscard]] Series* find(const QString& key) const;

    std::vector<std::unique_ptr<Series>> m_series;
    std::unique_ptr<Items> m_items;
    double m_smoothing = 0;
    QString m_highlighted;
    bool m_endLabels = false;
    double m_reference;
    QString m_referenceLabel;
};

} // namespace fairy2::plots
