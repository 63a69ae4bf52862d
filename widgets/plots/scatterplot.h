// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plots/plotview.h"

#include <vector>

namespace fairy2::plots {

/// Points with names: SQNR against Δloss, loss against size. Labels step aside for each other and are left
/// out where there is no room; hovering tells any point.
class ScatterPlot : public PlotView {
    Q_OBJECT
public:
    struct Point {
        QString key;   ///< identity, given back by pointClicked
        QString label; ///< beside the dot when `labelled`, and in the readout
        double x = 0;
        double y = 0;
        int group = 0; ///< index into setGroups(); colours the dot unless `color` is valid
        QColor color;
        bool labelled = false;
        bool front = false; ///< on the dashed line that joins the marked points in order of x
    };

    explicit ScatterPlot(const QString& name, QWidget* parent = nullptr);
    ~ScatterPlot() override;

    /// Legend entries; group i takes the i-th colour of accent, +i, −i, −1.
    void setGroups(const QStringList& titles);
    void setPoints(std::vector<Point> points);
    void setSelected(const QString& key);
    void setDotSize(double pixels);
    [[nodiscard]] bool isEmpty() const override { return m_points.empty(); }

signals:
    void pointClicked(const QString& key);

protected:
    void redraw(const shell::Colors& colors) override;
    void fitRanges() override;
    [[nodiscard]] QStringList dataLines() const override;
    QString readoutAt(const QPointF& position) override;
    void clicked(const QPointF& position) override;

private:
    class Dots;
    [[nodiscard]] const Point* nearest(const QPointF& position) const;

    std::vector<Point> m_points;
    QStringList m_groups;
    QString m_selected;
    double m_dotSize = 7;
    Dots* m_dots; ///< drawn by and owned by the canvas
};

} // namespace fairy2::plots
