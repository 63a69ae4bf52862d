// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "shell/colors.h"

#include <QTimer>
#include <QWidget>

#include <memory>

class QLabel;

namespace fairy2::plots {

class PlotCore;

enum class Axis { X, Y };
enum class TickFormat {
    Plain,   ///< 0.25, 1 000
    Si,      ///< 50 M, 1.5 k
    Percent, ///< values are shares: 0.4 → 40 %
};

/// What every plot of the window can do: themed drawing, zoom and pan (wheel, drag, Shift-drag for a box,
/// keys + − 0 and arrows, double click to reset), a readout under the pointer, copy and export of the figure
/// (PNG, SVG, PDF, always in the light colours of paper) and of its numbers (CSV), both with metadata.
/// Data setters only mark the plot dirty; it is drawn at most 12 times a second, and not while hidden.
class PlotView : public QWidget {
    Q_OBJECT
public:
    ~PlotView() override;

    /// Label "name, unit"; an empty name leaves the axis without one.
    void setAxis(Axis axis, const QString& name, const QString& unit = {});
    void setTickFormat(Axis axis, TickFormat format);
    void setLogarithmic(Axis axis, bool logarithmic);
    [[nodiscard]] bool isLogarithmic(Axis axis) const;
    /// Fixes the visible range; resetView() comes back to it. low ≥ high frees it again.
    void setFixedRange(Axis axis, double low, double high);
    /// Shown in the middle while there is no data.
    void setEmptyText(const QString& text);
    /// Written into exports: model hash, config, command line that reproduces the figure.
    void setMetadata(const QList<std::pair<QString, QString>>& metadata) { m_metadata = metadata; }
    [[nodiscard]] const QList<std::pair<QString, QString>>& metadata() const { return m_metadata; }

    enum class Format { Png, Svg, Pdf };
    /// The figure as a file, with metadata inside, at the present size and view.
    [[nodiscard]] QByteArray figure(Format format);
    /// The numbers of the figure with a header line, metadata as leading "# key: value" lines.
    [[nodiscard]] QByteArray dataCsv() const;
    [[nodiscard]] virtual bool isEmpty() const = 0;
    /// What the pointer is over, as plain text; empty when over nothing.
    [[nodiscard]] QString readoutText() const { return m_readoutText; }

    /// Draws now what is dirty, for tests and screenshots.
    void flush();

    [[nodiscard]] QSize sizeHint() const override { return {320, 240}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {120, 90}; }

public slots:
    void resetView();
    void zoom(double factor);
    void copyFigure();
    void copyData();

signals:
    void readoutChanged(const QString& text);

protected:
    /// `name` is the accessible name and the suggested file name ("Residual ladder").
    PlotView(const QString& name, QWidget* parent);

    [[nodiscard]] PlotCore& core() const { return *m_core; }
    /// Something to draw changed.
    void markDirty();
    /// The user has not zoomed: ranges may follow the data.
    [[nodiscard]] bool followsData() const { return !m_userView; }

    /// Brings plot objects up to date with the data and colours; called before each dirty drawing.
    virtual void redraw(const shell::Colors& colors) = 0;
    /// Sets the ranges that show all data.
    virtual void fitRanges() = 0;
    /// The lines of dataCsv(), header first.
    [[nodiscard]] virtual QStringList dataLines() const = 0;
    /// Rich text of the readout at a position of the canvas, empty for none; sets what marks the spot.
    virtual QString readoutAt(const QPointF& position) = 0;
    virtual void clicked(const QPointF&) {}
    /// The canvas has another size; for plots that arrange their panels themselves.
    virtual void arrange() {}
    /// Range of an axis that setFixedRange() asked for.
    [[nodiscard]] bool fixedRange(Axis axis, double& low, double& high) const;

    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void drawNow();
    void draw(const shell::Colors& colors);
    void showReadout(const QPointF& position);
    void hideReadout();
    void pan(double x, double y);
    void save(Format format);
    void saveData();

    std::unique_ptr<PlotCore> m_core;
    QString m_name;
    QLabel* m_readout;
    QLabel* m_empty;
    QString m_readoutText;
    QList<std::pair<QString, QString>> m_metadata;
    QTimer m_timer;
    QPointF m_pressed;
    bool m_dirty = true;
    bool m_userView = false;
};

/// CSV cell of a number: shortest text that reads back exactly; empty for NaN.
[[nodiscard]] QString csvNumber(double value);

} // namespace fairy2::plots
