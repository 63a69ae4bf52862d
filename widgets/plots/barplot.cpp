// SPDX-License-Identifier: Apache-2.0
#include "plots/barplot.h"

#include "plots/plotcore.h"
#include "shell/format.h"
#include "shell/theme.h"

#include <algorithm>
#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::plots {
namespace {

constexpr double kGroupWidth = 0.8; // of the distance between two categories

} // namespace

class BarPlot::Bars : public QCPLayerable {
public:
    Bars(QCustomPlot* plot, const BarPlot& owner) : QCPLayerable(plot, u"main"_s), m_owner(owner) {}
    shell::Colors colors;

    [[nodiscard]] QRectF box(std::size_t series, std::size_t category) const {
        const double value = m_owner.m_series[series].values[category];
        const double width = kGroupWidth / static_cast<double>(m_owner.m_series.size());
        const double left =
            static_cast<double>(category) - kGroupWidth / 2 + width * static_cast<double>(series);
        const auto* x = mParentPlot->xAxis;
        const auto* y = mParentPlot->yAxis;
        const double gap = m_owner.m_series.size() > 1 ? 1 : 0;
        return QRectF(QPointF(x->coordToPixel(left) + gap, y->coordToPixel(value)),
                      QPointF(x->coordToPixel(left + width) - gap, y->coordToPixel(0)))
            .normalized();
    }

protected:
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override { painter->setAntialiasing(false); }
    [[nodiscard]] QRect clipRect() const override { return mParentPlot->axisRect()->rect(); }

    void draw(QCPPainter* painter) override {
        painter->setFont(shell::Theme::font(shell::TextSize::Axis));
        const QFontMetricsF metrics(painter->font());
        for (std::size_t s = 0; s < m_owner.m_series.size(); ++s) {
            const auto& series = m_owner.m_series[s];
            for (std::size_t c = 0; c < series.values.size(); ++c) {
                if (!std::isfinite(series.values[c])) continue;
                const QRectF bar = box(s, c);
                const QColor color = series.colors.empty()      ? colors.accent
                                     : series.colors.size() > c ? series.colors[c]
                                                                : series.colors.front();
                // The second and later series are paler, and separated, so that colour alone does not tell
                // them.
                painter->fillRect(bar, shell::mix(color, colors.surface, 0.35 * static_cast<double>(s)));
                const QString text = m_owner.valueText(series.values[c]);
                const double width = metrics.horizontalAdvance(text);
                if (width > bar.width() + 6) continue;
                painter->setPen(colors.secondary);
                painter->drawText(QPointF(bar.center().x() - width / 2, bar.top() - 4), text);
            }
        }
    }

private:
    const BarPlot& m_owner;
};

BarPlot::BarPlot(const QString& name, QWidget* parent)
    : PlotView(name, parent), m_bars(new Bars(core().plot, *this)) {
    core().plot->axisRect()->setRangeZoom(Qt::Horizontal);
    core().plot->axisRect()->setRangeDrag(Qt::Horizontal);
}

BarPlot::~BarPlot() = default;

QString BarPlot::valueText(double value) const {
    const auto format = core().state(Axis::Y).format;
    return format == TickFormat::Percent ? shell::percentText(value)
                                         : tickText(value, std::max(std::abs(value) * 1e-2, 1e-6), format);
}

void BarPlot::setBars(const QStringList& categories, std::vector<Series> series) {
    m_categories = categories;
    m_series = std::move(series);
    const auto count = static_cast<std::size_t>(categories.size());
    for (auto& one : m_series)
        one.values.resize(count, std::numeric_limits<double>::quiet_NaN());
    QMap<double, QString> ticks;
    for (qsizetype i = 0; i < categories.size(); ++i)
        ticks.insert(static_cast<double>(i), categories[i]);
    QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
    ticker->setTicks(ticks);
    core().x->setTicker(ticker);
    markDirty();
}

void BarPlot::redraw(const shell::Colors& colors) {
    m_bars->colors = colors;
}

void BarPlot::fitRanges() {
    if (isEmpty()) return;
    double low = 0;
    double high = 0;
    for (const auto& series : m_series)
        for (const double value : series.values) {
            if (!std::isfinite(value)) continue;
            low = std::min(low, value);
            high = std::max(high, value);
        }
    core().x->setRange(-0.6, static_cast<double>(m_categories.size()) - 0.4);
    double fixedLow = 0;
    double fixedHigh = 0;
    if (fixedRange(Axis::Y, fixedLow, fixedHigh))
        core().y->setRange(fixedLow, fixedHigh);
    else
        core().y->setRange(low * 1.12, high > low ? high * 1.12 : 1);
}

QStringList BarPlot::dataLines() const {
    QStringList lines{u"category,series,value"_s};
    for (const auto& series : m_series)
        for (std::size_t c = 0; c < series.values.size(); ++c)
            lines.append(u"%1,%2,%3"_s.arg(m_categories[static_cast<qsizetype>(c)], series.title,
                                           csvNumber(series.values[c])));
    return lines;
}

QString BarPlot::readoutAt(const QPointF& position) {
    const int category = static_cast<int>(std::lround(core().x->pixelToCoord(position.x())));
    if (category < 0 || category >= m_categories.size()) return {};
    if (!core().plot->axisRect()->rect().contains(position.toPoint())) return {};
    QString text = m_categories[category].toHtmlEscaped();
    for (const auto& series : m_series)
        text += u"<br>"_s + series.title.toHtmlEscaped() + u":  "_s +
                valueText(series.values[static_cast<std::size_t>(category)]);
    return text;
}

} // namespace fairy2::plots
