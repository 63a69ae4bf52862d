// SPDX-License-Identifier: Apache-2.0
#include "plots/curveplot.h"

#include "plots/plotcore.h"
#include "shell/format.h"
#include "shell/theme.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace Qt::StringLiterals;

namespace fairy2::plots {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kGhost = 0.72; // share of the background in the colour of a ghost
constexpr double kEndDot = 8;
// An outlier early in training must not flatten what follows: the y range of linear axes leaves out this
// share.
constexpr double kClipped = 0.01;
constexpr std::size_t kClipFrom = 200;

} // namespace

struct CurvePlot::Series {
    QString key;
    QString title;
    QColor color;
    Qt::PenStyle style = Qt::SolidLine;
    bool visible = true;
    std::vector<double> x;
    std::vector<double> y;
    std::vector<double> smooth;
    Smoothing state;
    QCPGraph* ghost = nullptr;
    QCPGraph* line = nullptr;
    QCPGraph* end = nullptr;
    QCPItemText* label = nullptr;

    [[nodiscard]] std::ptrdiff_t lastFinite() const {
        for (auto i = static_cast<std::ptrdiff_t>(smooth.size()) - 1; i >= 0; --i)
            if (std::isfinite(smooth[static_cast<std::size_t>(i)])) return i;
        return -1;
    }
    /// Index of the point nearest to x.
    [[nodiscard]] std::size_t nearest(double at) const {
        const auto after = static_cast<std::size_t>(std::lower_bound(x.begin(), x.end(), at) - x.begin());
        if (after == 0) return 0;
        if (after == x.size()) return x.size() - 1;
        return at - x[after - 1] < x[after] - at ? after - 1 : after;
    }
};

struct CurvePlot::Items {
    QCPItemStraightLine* crosshair;
    QCPItemStraightLine* reference;
    QCPItemText* referenceLabel;
};

CurvePlot::CurvePlot(const QString& name, QWidget* parent)
    : PlotView(name, parent), m_items(new Items), m_reference(kNaN) {
    auto* plot = core().plot;
    // The crosshair has a layer of its own, so that moving it redraws nothing else.
    plot->addLayer(u"crosshair"_s, plot->layer(u"overlay"_s), QCustomPlot::limBelow);
    plot->layer(u"crosshair"_s)->setMode(QCPLayer::lmBuffered);
    m_items->crosshair = new QCPItemStraightLine(plot);
    m_items->crosshair->setLayer(u"crosshair"_s);
    m_items->crosshair->setVisible(false);
    m_items->reference = new QCPItemStraightLine(plot);
    m_items->reference->setVisible(false);
    m_items->referenceLabel = new QCPItemText(plot);
    m_items->referenceLabel->setVisible(false);
    m_items->referenceLabel->position->setTypeX(QCPItemPosition::ptAxisRectRatio);
    m_items->referenceLabel->position->setTypeY(QCPItemPosition::ptPlotCoords);
    m_items->referenceLabel->setPositionAlignment(Qt::AlignLeft | Qt::AlignBottom);
    setTickFormat(Axis::X, TickFormat::Si);
}

CurvePlot::~CurvePlot() = default;

CurvePlot::Series* CurvePlot::find(const QString& key) const {
    for (const auto& series : m_series)
        if (series->key == key) return series.get();
    return nullptr;
}

void CurvePlot::setSeries(const QString& key, const QString& title, const QColor& color, Qt::PenStyle style) {
    auto* series = find(key);
    if (series == nullptr) {
        auto* plot = core().plot;
        m_series.push_back(std::make_unique<Series>());
        series = m_series.back().get();
        series->key = key;
        series->state = Smoothing(m_smoothing);
        series->ghost = plot->addGraph();
        series->line = plot->addGraph();
        series->end = plot->addGraph();
        series->end->setLineStyle(QCPGraph::lsNone);
        series->label = new QCPItemText(plot);
        series->label->setPositionAlignment(Qt::AlignLeft | Qt::AlignVCenter);
        series->label->setPadding({6, 0, 0, 0});
        series->label->setClipToAxisRect(false);
        series->label->setVisible(false);
    }
    series->title = title;
    series->color = color;
    series->style = style;
    markDirty();
}

void CurvePlot::addPoints(Series& series, const std::vector<double>& x, const std::vector<double>& y) {
    const std::size_t count = std::min(x.size(), y.size());
    QVector<double> keys;
    QVector<double> raw;
    QVector<double> smooth;
    for (std::size_t i = 0; i < count; ++i) {
        series.x.push_back(x[i]);
        series.y.push_back(y[i]);
        series.smooth.push_back(series.state.next(y[i]));
        keys.append(x[i]);
        raw.append(y[i]);
        smooth.append(series.smooth.back());
    }
    if (m_smoothing > 0) series.ghost->addData(keys, raw, true);
    series.line->addData(keys, smooth, true);
    markDirty();
}

void CurvePlot::setPoints(const QString& key, const std::vector<double>& x, const std::vector<double>& y) {
    auto* series = find(key);
    if (series == nullptr) return;
    series->x.clear();
    series->y.clear();
    series->smooth.clear();
    series->state = Smoothing(m_smoothing);
    series->ghost->data()->clear();
    series->line->data()->clear();
    addPoints(*series, x, y);
}

void CurvePlot::append(const QString& key, const std::vector<double>& x, const std::vector<double>& y) {
    if (auto* series = find(key)) addPoints(*series, x, y);
}

void CurvePlot::setSeriesVisible(const QString& key, bool visible) {
    if (auto* series = find(key)) series->visible = visible;
    markDirty();
}

void CurvePlot::setHighlighted(const QString& key) {
    if (m_highlighted == key) return;
    m_highlighted = key;
    markDirty();
}

void CurvePlot::removeSeries(const QString& key) {
    const auto found = std::find_if(m_series.begin(), m_series.end(),
                                    [&](const auto& series) { return series->key == key; });
    if (found == m_series.end()) return;
    auto* plot = core().plot;
    for (auto* graph : {(*found)->ghost, (*found)->line, (*found)->end})
        plot->removeGraph(graph);
    plot->removeItem((*found)->label);
    m_series.erase(found);
    markDirty();
}

void CurvePlot::clear() {
    while (!m_series.empty())
        removeSeries(m_series.back()->key);
    markDirty();
}

QStringList CurvePlot::keys() const {
    QStringList keys;
    for (const auto& series : m_series)
        keys.append(series->key);
    return keys;
}

void CurvePlot::setSmoothing(double weight) {
    if (weight == m_smoothing) return;
    m_smoothing = weight;
    for (const auto& series : m_series) {
        const auto x = series->x;
        const auto y = series->y;
        setPoints(series->key, x, y);
    }
}

void CurvePlot::setReference(double level, const QString& label) {
    m_reference = level;
    m_referenceLabel = label;
    markDirty();
}

void CurvePlot::setEndLabels(bool on) {
    m_endLabels = on;
    core().plot->axisRect()->setMinimumMargins(QMargins(8, 8, on ? 96 : 12, 4));
    markDirty();
}

bool CurvePlot::isEmpty() const {
    return std::none_of(m_series.begin(), m_series.end(),
                        [](const auto& series) { return series->visible && !series->x.empty(); });
}

void CurvePlot::redraw(const shell::Colors& colors) {
    for (const auto& series : m_series) {
        const bool strong = series->key == m_highlighted;
        const auto last = series->lastFinite();
        series->ghost->setPen(QPen(shell::mix(series->color, colors.surface, kGhost), 1));
        series->line->setPen(QPen(series->color, strong ? 2.5 : 1.5, series->style));
        series->ghost->setVisible(series->visible && m_smoothing > 0);
        series->line->setVisible(series->visible);
        series->end->setVisible(series->visible && strong && last >= 0);
        series->label->setVisible(series->visible && m_endLabels && last >= 0);
        if (last < 0) continue;
        const double x = series->x[static_cast<std::size_t>(last)];
        const double y = series->smooth[static_cast<std::size_t>(last)];
        series->end->setData({x}, {y});
        series->end->setScatterStyle(
            QCPScatterStyle(QCPScatterStyle::ssDisc, series->color, series->color, kEndDot));
        series->label->position->setCoords(x, y);
        series->label->setText(series->title);
        series->label->setColor(series->color);
        series->label->setFont(shell::Theme::font(shell::TextSize::Axis));
    }
    const QPen dashed(colors.secondary, 1, Qt::DashLine);
    m_items->crosshair->setPen(dashed);
    const bool reference = std::isfinite(m_reference);
    m_items->reference->setVisible(reference);
    m_items->referenceLabel->setVisible(reference && !m_referenceLabel.isEmpty());
    if (!reference) return;
    m_items->reference->setPen(dashed);
    m_items->reference->point1->setCoords(0, m_reference);
    m_items->reference->point2->setCoords(1, m_reference);
    m_items->referenceLabel->position->setCoords(0.02, m_reference);
    m_items->referenceLabel->setText(m_referenceLabel);
    m_items->referenceLabel->setColor(colors.secondary);
    m_items->referenceLabel->setFont(shell::Theme::font(shell::TextSize::Axis));
}

void CurvePlot::fitRanges() {
    const bool logX = isLogarithmic(Axis::X);
    const bool logY = isLogarithmic(Axis::Y);
    double left = kNaN;
    double right = kNaN;
    std::vector<double> values;
    for (const auto& series : m_series) {
        if (!series->visible) continue;
        for (std::size_t i = 0; i < series->x.size(); ++i) {
            const double x = series->x[i];
            const double y = series->smooth[i];
            if (!std::isfinite(x) || !std::isfinite(y) || (logX && x <= 0) || (logY && y <= 0)) continue;
            left = std::isnan(left) ? x : std::min(left, x);
            right = std::isnan(right) ? x : std::max(right, x);
            values.push_back(y);
        }
    }
    if (values.empty()) return;
    if (std::isfinite(m_reference)) values.push_back(m_reference);
    PlotCore::showRange(*core().x, left, right, logX ? 0.01 : 0.0);
    double low = 0;
    double high = 0;
    if (!fixedRange(Axis::Y, low, high)) {
        const auto [least, most] = std::minmax_element(values.begin(), values.end());
        low = *least;
        high = *most;
        if (!logY && values.size() >= kClipFrom) {
            const auto cut = values.begin() +
                             static_cast<std::ptrdiff_t>((1 - kClipped) * static_cast<double>(values.size()));
            std::nth_element(values.begin(), cut, values.end());
            high = *cut;
        }
        PlotCore::showRange(*core().y, low, high, 0.06);
        return;
    }
    core().y->setRange(low, high);
}

QStringList CurvePlot::dataLines() const {
    QStringList lines{u"series,x,y"_s};
    for (const auto& series : m_series)
        for (std::size_t i = 0; i < series->x.size(); ++i)
            lines.append(u'"' + QString(series->title).replace(u'"', u"\"\""_s) + u"\","_s +
                         csvNumber(series->x[i]) + u',' + csvNumber(series->y[i]));
    return lines;
}

void CurvePlot::setCrosshair(double x) {
    m_items->crosshair->setVisible(std::isfinite(x));
    if (std::isfinite(x)) {
        m_items->crosshair->point1->setCoords(x, 1);
        m_items->crosshair->point2->setCoords(x, 2);
    }
    core().plot->layer(u"crosshair"_s)->replot();
}

QString CurvePlot::readoutAt(const QPointF& position) {
    if (!core().plot->axisRect()->rect().contains(position.toPoint())) {
        setCrosshair(kNaN);
        emit hovered(kNaN);
        return {};
    }
    const double x = core().x->pixelToCoord(position.x());
    setCrosshair(x);
    emit hovered(x);
    struct Row {
        double value;
        QString text;
    };
    std::vector<Row> rows;
    for (const auto& series : m_series) {
        if (!series->visible || series->x.empty() || x < series->x.front() || x > series->x.back()) continue;
        const double value = series->smooth[series->nearest(x)];
        if (!std::isfinite(value)) continue;
        const QString number = core().state(Axis::Y).format == TickFormat::Percent
                                   ? shell::percentText(value, 3)
                                   : tickText(value, std::abs(value) * 1e-3, core().state(Axis::Y).format);
        rows.push_back(
            {value,
             u"<tr><td><span style='color:%1'>■</span> %2&nbsp;&nbsp;</td><td align='right'>%3</td></tr>"_s
                 .arg(series->color.name(), series->title.toHtmlEscaped(), number)});
    }
    if (rows.empty()) return {};
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.value > b.value; });
    QString text =
        tickText(x, std::max(1.0, std::abs(x) * 1e-3), core().state(Axis::X).format) + u"<table>"_s;
    for (const auto& row : rows)
        text += row.text;
    return text + u"</table>"_s;
}

void CurvePlot::clicked(const QPointF& position) {
    constexpr double kReach = 8;
    const Series* best = nullptr;
    double distance = kReach;
    for (const auto& series : m_series) {
        const double d = series->visible ? series->line->selectTest(position, false) : -1;
        if (d < 0 || d >= distance) continue;
        distance = d;
        best = series.get();
    }
    if (best != nullptr) emit seriesClicked(best->key);
}

} // namespace fairy2::plots
