// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QStringList>
#include <QWidget>
#include <vector>

namespace fairy2::pages {

/// Panels of cells side by side over the same rows and columns: blocks × projections, once for each stage.
/// The value stands in its cell where there is room, and in the readout under the pointer always.
class HeatGrid final : public QWidget {
    Q_OBJECT
public:
    explicit HeatGrid(QWidget* parent = nullptr);

    struct Panel {
        QString title;
        std::vector<double> values; ///< rows × columns, row-major; NaN = no such layer
    };
    /// `decimals` of the values, `unit` behind them in the readout. Low values are hot when `lowIsHot`.
    void setGrid(const QStringList& rows, const QStringList& columns, std::vector<Panel> panels, int decimals,
                 const QString& unit, bool lowIsHot);
    void clear();
    [[nodiscard]] bool isEmpty() const noexcept { return m_panels.empty(); }
    [[nodiscard]] QSize minimumSizeHint() const override { return {320, 120}; }

signals:
    void cellClicked(int row, int column);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    bool event(QEvent* event) override;

private:
    struct Layout {
        QRectF cells; ///< of one panel
        double cellWidth = 0;
        double cellHeight = 0;
    };
    struct Hit {
        int panel = -1;
        int row = -1;
        int column = -1;
    };
    [[nodiscard]] Layout layoutOf(int panel) const;
    [[nodiscard]] Hit hitAt(const QPointF& position) const;
    [[nodiscard]] double valueAt(const Hit& hit) const;
    void paintPanel(QPainter& painter, int panel) const;
    [[nodiscard]] QColor colorOf(const Panel& panel, double value) const;

    QStringList m_rows;
    QStringList m_columns;
    std::vector<Panel> m_panels;
    int m_decimals = 2;
    QString m_unit;
    bool m_lowIsHot = true;
};

} // namespace fairy2::pages
