// SPDX-License-Identifier: Apache-2.0
#include "plots/scatterplot.h"

#include "plots/plotcore.h"
#include "shell/theme.h"

#include <algorithm>
#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::plots {
namespace {

constexpr double kReach = 12;
constexpr int kLegendBox = 8;

QColor groupColor(const shell::Colors& colors, int group) {
    const QColor order[] = {colors.accent, colors.phase[1], colors.phase[3], colors.phase[2]};
    return order[std::clamp(group, 0, 3)];
}

QString number(double value) {
    return tickText(value, std::max(std::abs(value) * 1e-2, 1e-4), TickFormat::Plain);
}

} // namespace

// Dots, the dashed front, labels that avoid each other, and the legend: one item that paints them all,
// because a label can only step aside when it knows what is already there.
class ScatterPlot::Dots : public QCPLayerable {
public:
    Dots(QCustomPlot* plot, const ScatterPlot& owner) : QCPLayerable(plot, u"main"_s), m_owner(owner) {}
    shell::Colors colors;

protected:
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override { painter->setAntialiasing(true); }
    [[nodiscard]] QRect clipRect() const override {
        return mParentPlot->axisRect()->rect().adjusted(-4, -4, 4, 4);
    }

    void draw(QCPPainter* painter) override {
        painter->setFont(shell::Theme::font(shell::TextSize::Axis));
        drawFront(*painter);
        std::vector<QRectF> taken = drawDots(*painter);
        const QRectF legend = drawLegend(*painter);
        if (!legend.isEmpty()) taken.push_back(legend);
        drawLabels(*painter, taken);
    }

private:
    [[nodiscard]] QPointF pixel(const Point& point) const {
        return {mParentPlot->xAxis->coordToPixel(point.x), mParentPlot->yAxis->coordToPixel(point.y)};
    }

    void drawFront(QCPPainter& painter) const {
        std::vector<const Point*> front;
        for (const auto& point : m_owner.m_points)
            if (point.front) front.push_back(&point);
        std::sort(front.begin(), front.end(), [](const Point* a, const Point* b) { return a->x < b->x; });
        QPolygonF line;
        for (const auto* point : front)
            line << pixel(*point);
        painter.setPen(QPen(colors.secondary, 1, Qt::DashLine));
        painter.drawPolyline(line);
    }

    [[nodiscard]] std::vector<QRectF> drawDots(QCPPainter& painter) const {
        std::vector<QRectF> taken;
        for (const auto& point : m_owner.m_points) {
            const bool selected = !point.key.isEmpty() && point.key == m_owner.m_selected;
            const double size = m_owner.m_dotSize + (selected ? 4 : 0);
            QRectF dot(0, 0, size, size);
            dot.moveCenter(pixel(point));
            painter.setPen(selected ? QPen(colors.text, 1.5) : QPen(Qt::NoPen));
            painter.setBrush(point.color.isValid() ? point.color : groupColor(colors, point.group));
            painter.drawEllipse(dot);
            taken.push_back(dot);
        }
        return taken;
    }

    [[nodiscard]] QRectF drawLegend(QCPPainter& painter) const {
        if (m_owner.m_groups.size() < 2) return {};
        const QFontMetricsF metrics(painter.font());
        const QRectF area = mParentPlot->axisRect()->rect();
        double width = 0;
        for (const QString& title : m_owner.m_groups)
            width += kLegendBox + 4 + metrics.horizontalAdvance(title) + 10;
        QRectF all(area.right() - width, area.top(), width, metrics.height());
        double left = all.left();
        for (int i = 0; i < m_owner.m_groups.size(); ++i) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(groupColor(colors, i));
            painter.drawRect(QRectF(left, all.center().y() - kLegendBox / 2.0, kLegendBox, kLegendBox));
            left += kLegendBox + 4;
            painter.setPen(colors.secondary);
            painter.drawText(QPointF(left, all.top() + metrics.ascent()), m_owner.m_groups[i]);
            left += metrics.horizontalAdvance(m_owner.m_groups[i]) + 10;
        }
        return all;
    }

    void drawLabels(QCPPainter& painter, std::vector<QRectF>& taken) const {
        const QFontMetricsF metrics(painter.font());
        const QRectF area = mParentPlot->axisRect()->rect();
        painter.setPen(colors.text);
        for (const auto& point : m_owner.m_points) {
            if (!point.labelled) continue;
            const QPointF at = pixel(point);
            const QSizeF size(metrics.horizontalAdvance(point.label), metrics.height());
            const double gap = m_owner.m_dotSize / 2 + 4;
            const QPointF corners[] = {{at.x() + gap, at.y() - size.height() / 2},
                                       {at.x() - gap - size.width(), at.y() - size.height() / 2},
                                       {at.x() - size.width() / 2, at.y() - gap - size.height()},
                                       {at.x() - size.width() / 2, at.y() + gap},
                                       {at.x() + gap, at.y() - size.height()},
                                       {at.x() + gap, at.y()}};
            for (const QPointF& corner : corners) {
                const QRectF box(corner, size);
                const bool free =
                    area.contains(box) && std::none_of(taken.begin(), taken.end(),
                                                       [&](const QRectF& r) { return r.intersects(box); });
                if (!free) continue;
                painter.drawText(QPointF(box.left(), box.top() + metrics.ascent()), point.label);
                taken.push_back(box);
                break;
            }
        }
    }

    const ScatterPlot& m_owner;
};

ScatterPlot::ScatterPlot(const QString& name, QWidget* parent)
    : PlotView(name, parent), m_dots(new Dots(core().plot, *this)) {}

ScatterPlot::~ScatterPlot() = default;

void ScatterPlot::setGroups(const QStringList& titles) {
    m_groups = titles;
    markDirty();
}

void ScatterPlot::setPoints(std::vector<Point> points) {
    m_points = std::move(points);
    std::erase_if(m_points,
                  [](const Point& point) { return !std::isfinite(point.x) || !std::isfinite(point.y); });
    markDirty();
}

void ScatterPlot::setSelected(const QString& key) {
    m_selected = key;
    markDirty();
}

void ScatterPlot::setDotSize(double pixels) {
    m_dotSize = pixels;
    markDirty();
}

void ScatterPlot::redraw(const shell::Colors& colors) {
    m_dots->colors = colors;
}

void ScatterPlot::fitRanges() {
    if (m_points.empty()) return;
    const auto byX = [](const Point& a, const Point& b) { return a.x < b.x; };
    const auto byY = [](const Point& a, const Point& b) { return a.y < b.y; };
    const auto [left, right] = std::minmax_element(m_points.begin(), m_points.end(), byX);
    const auto [bottom, top] = std::minmax_element(m_points.begin(), m_points.end(), byY);
    PlotCore::showRange(*core().x, left->x, right->x, 0.08);
    double low = 0;
    double high = 0;
    if (fixedRange(Axis::Y, low, high))
        core().y->setRange(low, high);
    else
        PlotCore::showRange(*core().y, bottom->y, top->y, 0.1);
}

QStringList ScatterPlot::dataLines() const {
    QStringList lines{u"name,x,y,group"_s};
    for (const auto& point : m_points)
        lines.append(u'"' + QString(point.label).replace(u'"', u"\"\""_s) + u"\","_s + csvNumber(point.x) +
                     u',' + csvNumber(point.y) + u',' + m_groups.value(point.group));
    return lines;
}

const ScatterPlot::Point* ScatterPlot::nearest(const QPointF& position) const {
    const Point* best = nullptr;
    double least = kReach;
    for (const auto& point : m_points) {
        const QPointF at(core().x->coordToPixel(point.x), core().y->coordToPixel(point.y));
        const double distance = std::hypot(at.x() - position.x(), at.y() - position.y());
        if (distance >= least) continue;
        least = distance;
        best = &point;
    }
    return best;
}

QString ScatterPlot::readoutAt(const QPointF& position) {
    const Point* point = nearest(position);
    if (point == nullptr) return {};
    const auto line = [](const QCPAxis& axis, double value) {
        return axis.label().isEmpty() ? number(value)
                                      : axis.label().toHtmlEscaped() + u":  "_s + number(value);
    };
    return point->label.toHtmlEscaped() + u"<br>"_s + line(*core().x, point->x) + u"<br>"_s +
           line(*core().y, point->y);
}

void ScatterPlot::clicked(const QPointF& position) {
    if (const Point* point = nearest(position)) emit pointClicked(point->key);
}

} // namespace fairy2::plots
