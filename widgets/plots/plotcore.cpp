// SPDX-License-Identifier: Apache-2.0
#include "plots/plotcore.h"

#include "shell/format.h"
#include "shell/theme.h"

#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::plots {
namespace {

int decimalsFor(double step) {
    if (!(step > 0)) return 0;
    // As many as tell neighbouring ticks apart exactly: 0.25 needs two though its power of ten asks for one.
    int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
    for (double scaled = step * std::pow(10, decimals); decimals < 9; ++decimals, scaled *= 10)
        if (std::abs(scaled - std::round(scaled)) < 1e-6 * scaled) break;
    return decimals;
}

QString siText(double value, double step) {
    struct Unit {
        double size;
        const char* name;
    };
    constexpr Unit units[] = {{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "k"}};
    for (const auto& unit : units)
        if (std::abs(value) >= unit.size)
            return shell::numberText(value / unit.size, decimalsFor(step / unit.size)) + u' ' +
                   QString::fromLatin1(unit.name);
    return shell::numberText(value, decimalsFor(step));
}

} // namespace

QString tickText(double value, double step, TickFormat format) {
    if (std::abs(value) < step * 1e-9) value = 0;
    if (format == TickFormat::Percent)
        return shell::numberText(value * 100, decimalsFor(step * 100)) + u" %"_s;
    if (format == TickFormat::Si) return siText(value, step);
    const double size = std::max(std::abs(value), std::abs(step));
    if (value != 0 && (size >= 1e6 || step < 1e-5)) {
        QString text = QString::number(value, 'g', 3);
        return text.replace(u'-', QChar(0x2212));
    }
    return shell::numberText(value, decimalsFor(step));
}

double PlainTicker::getTickStep(const QCPRange& range) {
    m_step = QCPAxisTicker::getTickStep(range);
    return m_step;
}

QString PlainTicker::getTickLabel(double tick, const QLocale&, QChar, int) {
    return tickText(tick, m_step, m_format);
}

double LogTicker::getTickStep(const QCPRange& range) {
    return QCPAxisTicker::getTickStep(range);
}

QVector<double> LogTicker::createTickVector(double step, const QCPRange& range) {
    QVector<double> ticks;
    if (range.lower <= 0) return ticks;
    const double decades = std::log10(range.upper / range.lower);
    const int first = static_cast<int>(std::floor(std::log10(range.lower)));
    const int last = static_cast<int>(std::ceil(std::log10(range.upper)));
    // Whole decades only, once there are many of them.
    const bool onlyDecades = decades > 3;
    const int every = std::max(1, static_cast<int>(decades / 6));
    for (int exponent = first; exponent <= last; exponent += onlyDecades ? every : 1)
        for (const double digit : {1.0, 2.0, 5.0})
            if (!onlyDecades || digit == 1.0) ticks.append(digit * std::pow(10.0, exponent));
    const auto inside =
        std::count_if(ticks.begin(), ticks.end(), [&](double t) { return range.contains(t); });
    return inside >= 3 ? ticks : QCPAxisTicker::createTickVector(step, range);
}

QString LogTicker::getTickLabel(double tick, const QLocale&, QChar, int) {
    const double magnitude = std::pow(10.0, std::floor(std::log10(tick) + 1e-9));
    const double digits = tick / magnitude;
    const bool round = std::abs(digits - std::round(digits)) < 1e-6;
    return tickText(tick, round ? magnitude : magnitude / 10, m_format);
}

PlotCore::PlotCore(QWidget* parent) : plot(new QCustomPlot(parent)), x(plot->xAxis), y(plot->yAxis) {
    plot->setNoAntialiasingOnDrag(true);
    plot->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    plot->axisRect()->setRangeDrag(Qt::Horizontal | Qt::Vertical);
    plot->axisRect()->setRangeZoom(Qt::Horizontal | Qt::Vertical);
    plot->axisRect()->setMinimumMargins(QMargins(8, 8, 12, 4));
    plot->setFocusPolicy(Qt::NoFocus);
    plot->setContextMenuPolicy(Qt::NoContextMenu);
    applyTicker(Axis::X);
    applyTicker(Axis::Y);
}

void PlotCore::applyTicker(Axis which) {
    const AxisState& wish = state(which);
    QCPAxis* target = axis(which);
    target->setScaleType(wish.logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    if (wish.logarithmic)
        target->setTicker(QSharedPointer<QCPAxisTicker>(new LogTicker(wish.format)));
    else
        target->setTicker(QSharedPointer<QCPAxisTicker>(new PlainTicker(wish.format)));
}

void PlotCore::dress(QCPAxisRect& rect, const shell::Colors& colors) {
    const QFont font = shell::Theme::font(shell::TextSize::Axis);
    for (auto* axis : rect.axes()) {
        const bool vertical = axis->orientation() == Qt::Vertical;
        axis->setBasePen(Qt::NoPen);
        axis->setTickPen(Qt::NoPen);
        axis->setSubTickPen(Qt::NoPen);
        axis->setTickLabelFont(font);
        axis->setLabelFont(font);
        axis->setTickLabelColor(colors.secondary);
        axis->setLabelColor(colors.secondary);
        axis->setTickLabelPadding(6);
        axis->setLabelPadding(4);
        axis->grid()->setVisible(vertical);
        axis->grid()->setPen(QPen(colors.line, 1));
        axis->grid()->setZeroLinePen(QPen(colors.line, 1));
        axis->grid()->setSubGridVisible(false);
    }
}

void PlotCore::showRange(QCPAxis& axis, double low, double high, double air) {
    if (!std::isfinite(low) || !std::isfinite(high)) return;
    if (axis.scaleType() == QCPAxis::stLogarithmic) {
        if (low <= 0 || high <= 0) return;
        const double span = high > low ? std::log(high / low) : 1.0;
        axis.setRange(low * std::exp(-air * span), high * std::exp(air * span));
        return;
    }
    const double span = high > low ? high - low : std::max(std::abs(high), 1e-12);
    axis.setRange(low - air * span, high + air * span);
}

} // namespace fairy2::plots
