// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to widgets/plots: the only header of the program that knows QCustomPlot.
#include "plots/plotview.h"

#include <qcustomplot.h>

namespace fairy2::plots {

/// The QCustomPlot inside a PlotView, and how all plots of the program dress it.
class PlotCore {
public:
    explicit PlotCore(QWidget* parent);

    QCustomPlot* plot;
    QCPAxis* x; ///< of the first axis rectangle
    QCPAxis* y;
    struct AxisState {
        TickFormat format = TickFormat::Plain;
        bool logarithmic = false;
        double fixedLow = 0;
        double fixedHigh = 0;
    };
    AxisState states[2];

    [[nodiscard]] QCPAxis* axis(Axis which) const { return which == Axis::X ? x : y; }
    [[nodiscard]] AxisState& state(Axis which) { return states[which == Axis::X ? 0 : 1]; }
    void applyTicker(Axis which);
    /// Frame, grid, tick and label colours of an axis rectangle: horizontal grid lines only.
    static void dress(QCPAxisRect& rect, const shell::Colors& colors);
    /// Shows low..high on an axis with a little air (as a share of the span, on the axis' own scale).
    static void showRange(QCPAxis& axis, double low, double high, double air);
};

/// Ticks at 1, 2 and 5 times powers of ten on a logarithmic axis, evenly spaced ones when those are too few.
class LogTicker : public QCPAxisTicker {
public:
    explicit LogTicker(TickFormat format) : m_format(format) {}

protected:
    double getTickStep(const QCPRange& range) override;
    int getSubTickCount(double) override { return 0; }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override;
    QVector<double> createTickVector(double step, const QCPRange& range) override;

private:
    TickFormat m_format;
};

/// Linear ticks with our labels.
class PlainTicker : public QCPAxisTicker {
public:
    explicit PlainTicker(TickFormat format) : m_format(format) { setTickCount(5); }

protected:
    double getTickStep(const QCPRange& range) override;
    int getSubTickCount(double) override { return 0; }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override;

private:
    TickFormat m_format;
    double m_step = 1;
};

/// "50 M", "40 %", "0.25": the label of a tick when neighbouring ticks are `step` apart.
[[nodiscard]] QString tickText(double value, double step, TickFormat format);

} // namespace fairy2::plots
