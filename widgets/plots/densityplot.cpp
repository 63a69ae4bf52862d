// SPDX-License-Identifier: Apache-2.0
#include "plots/densityplot.h"

#include "plots/plotcore.h"
#include "quant/phase.h"
#include "shell/format.h"
#include "shell/theme.h"

#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::plots {
namespace {

constexpr std::array<const char16_t*, 4> kCodes = {u"+1", u"+i", u"−1", u"−i"};
constexpr double kDisc = 13;
// Room for the tick labels and the axis label of one panel.
constexpr int kLeft = 58;
constexpr int kRight = 12;
constexpr int kTop = 10;
constexpr int kBottom = 44;

QString codeName(std::size_t code) {
    return QString::fromUtf16(kCodes[code]);
}

QPointF codeword(const quant::PhaseDensity& density, std::size_t code) {
    const double sign = quant::signOf(static_cast<quant::Phase>(code));
    return quant::onRealAxis(static_cast<quant::Phase>(code)) ? QPointF(sign * density.sRe, 0)
                                                              : QPointF(0, sign * density.sIm);
}

} // namespace

struct DensityPlot::Panel {
    Panel(QCustomPlot* plot, QCPAxisRect* axisRect, const QString& panelName)
        : name(panelName), rect(axisRect), x(rect->axis(QCPAxis::atBottom)), y(rect->axis(QCPAxis::atLeft)),
          map(new QCPColorMap(x, y)) {
        x->setLabel(u"Re "_s + name);
        y->setLabel(u"Im "_s + name);
        for (auto* axis : {x, y}) {
            axis->setTicker(QSharedPointer<QCPAxisTicker>(new PlainTicker(TickFormat::Plain)));
            axis->setRange(-1, 1);
        }
        rect->setAutoMargins(QCP::msNone);
        rect->setRangeDrag(Qt::Horizontal | Qt::Vertical);
        rect->setRangeZoom(Qt::Horizontal | Qt::Vertical);
        map->setInterpolate(false);
        map->setTightBoundary(true);
        frame = new QCPItemRect(plot);
        frame->setLayer(u"overlay"_s);
        frame->setClipToAxisRect(false);
        frame->topLeft->setType(QCPItemPosition::ptAxisRectRatio);
        frame->bottomRight->setType(QCPItemPosition::ptAxisRectRatio);
        frame->topLeft->setCoords(0, 0);
        frame->bottomRight->setCoords(1, 1);
        frame->topLeft->setAxisRect(rect);
        frame->bottomRight->setAxisRect(rect);
        for (std::size_t i = 0; i < diagonals.size(); ++i) {
            auto* line = diagonals[i] = new QCPItemStraightLine(plot);
            for (auto* position : {line->point1, line->point2}) {
                position->setAxes(x, y);
                position->setAxisRect(rect);
            }
            line->point1->setCoords(0, 0);
            line->point2->setCoords(1, i == 0 ? 1 : -1);
            line->setClipAxisRect(rect);
        }
        for (std::size_t code = 0; code < discs.size(); ++code) {
            discs[code] = plot->addGraph(x, y);
            discs[code]->setLineStyle(QCPGraph::lsNone);
            labels[code] = makeLabel(plot, code);
        }
    }

    // The label stands at the border of the panel, on the axis of its codeword.
    QCPItemText* makeLabel(QCustomPlot* plot, std::size_t code) const {
        auto* label = new QCPItemText(plot);
        label->setClipAxisRect(rect);
        auto* position = label->position;
        position->setAxes(x, y);
        position->setAxisRect(rect);
        const bool onReal = quant::onRealAxis(static_cast<quant::Phase>(code));
        const bool positive = quant::signOf(static_cast<quant::Phase>(code)) > 0;
        if (onReal) {
            position->setTypeX(QCPItemPosition::ptAxisRectRatio);
            position->setTypeY(QCPItemPosition::ptPlotCoords);
            position->setCoords(positive ? 0.985 : 0.015, 0);
            label->setPositionAlignment((positive ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
        } else {
            position->setTypeX(QCPItemPosition::ptPlotCoords);
            position->setTypeY(QCPItemPosition::ptAxisRectRatio);
            position->setCoords(0, positive ? 0.06 : 0.94);
            label->setPositionAlignment(Qt::AlignHCenter | Qt::AlignVCenter);
        }
        label->setFont(shell::Theme::font(shell::TextSize::Axis));
        return label;
    }

    QString name;
    QCPAxisRect* rect;
    QCPAxis* x;
    QCPAxis* y;
    QCPColorMap* map;
    QCPItemRect* frame = nullptr;
    std::array<QCPItemStraightLine*, 2> diagonals{};
    std::array<QCPGraph*, 4> discs{};
    std::array<QCPItemText*, 4> labels{};
};

DensityPlot::DensityPlot(const QString& name, QWidget* parent) : PlotView(name, parent) {
    auto* plot = core().plot;
    auto* second = new QCPAxisRect(plot);
    plot->plotLayout()->addElement(0, 1, second);
    plot->plotLayout()->setColumnSpacing(0);
    m_u = std::make_unique<Panel>(plot, plot->axisRect(0), u"U"_s);
    m_w = std::make_unique<Panel>(plot, second, u"W"_s);
    link(*m_u, *m_w);
    link(*m_w, *m_u);
}

DensityPlot::~DensityPlot() = default;

void DensityPlot::link(Panel& from, Panel& to) {
    const auto follow = [](QCPAxis* a, QCPAxis* b) {
        connect(a, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), b,
                qOverload<const QCPRange&>(&QCPAxis::setRange));
    };
    follow(from.x, to.x);
    follow(from.y, to.y);
}

void DensityPlot::setPlane(std::shared_ptr<const quant::PhasePlane> plane) {
    m_plane = std::move(plane);
    m_planeIsNew = true;
    markDirty();
}

void DensityPlot::clear() {
    setPlane(nullptr);
}

const quant::PhaseDensity& DensityPlot::densityOf(const Panel& panel) const {
    return &panel == m_u.get() ? m_plane->u : m_plane->w;
}

void DensityPlot::redraw(const shell::Colors& colors) {
    if (m_plane == nullptr) return;
    std::uint32_t most = 1;
    for (const auto* density : {&m_plane->u, &m_plane->w})
        for (const std::uint32_t count : density->counts)
            most = std::max(most, count);
    QCPColorGradient gradient;
    for (const auto& [at, color] : colors.density)
        gradient.setColorStopAt(at, color);

    for (auto* panel : {m_u.get(), m_w.get()}) {
        const auto& density = densityOf(*panel);
        if (m_planeIsNew) {
            const QCPRange range(-density.extent, density.extent);
            auto* data = new QCPColorMapData(density.bins, density.bins, range, range);
            for (int row = 0; row < density.bins; ++row)
                for (int col = 0; col < density.bins; ++col)
                    data->setCell(
                        col, row,
                        std::log1p(density.counts[static_cast<std::size_t>(row) * density.bins + col]));
            panel->map->setData(data, false);
            for (std::size_t code = 0; code < 4; ++code) {
                const QPointF at = codeword(density, code);
                panel->discs[code]->setData({at.x()}, {at.y()});
            }
        }
        panel->map->setGradient(gradient);
        panel->map->setDataRange(QCPRange(0, std::log1p(most)));
        panel->frame->setPen(QPen(colors.line, 1));
        for (auto* axis : {panel->x, panel->y})
            axis->grid()->setVisible(false);
        for (auto* line : panel->diagonals) {
            QPen pen(colors.secondary, 1, Qt::CustomDashLine);
            pen.setDashPattern({4, 4});
            line->setPen(pen);
        }
        for (std::size_t code = 0; code < 4; ++code) {
            panel->discs[code]->setScatterStyle(QCPScatterStyle(
                QCPScatterStyle::ssCircle, QPen(colors.surface, 2), QBrush(colors.phase[code]), kDisc));
            panel->labels[code]->setText(codeName(code) + u"  "_s + shell::percentText(density.share[code]));
            panel->labels[code]->setColor(colors.phase[code]);
            QColor veil = colors.surface;
            veil.setAlphaF(0.75F);
            panel->labels[code]->setBrush(veil);
            panel->labels[code]->setPadding({3, 1, 3, 1});
        }
    }
    m_planeIsNew = false;
}

void DensityPlot::fitRanges() {
    if (m_plane == nullptr) return;
    const double extent = std::max(m_plane->u.extent, m_plane->w.extent);
    m_u->x->setRange(-extent, extent);
    m_u->y->setRange(-extent, extent);
}

void DensityPlot::arrange() {
    const int width = core().plot->width() / 2;
    const int height = core().plot->height();
    const int side = std::max(20, std::min(width - kLeft - kRight, height - kTop - kBottom));
    const int spareX = width - kLeft - kRight - side;
    const int spareY = height - kTop - kBottom - side;
    // Labels need about 70 pixels each.
    for (auto* axis : {m_u->x, m_u->y, m_w->x, m_w->y})
        axis->ticker()->setTickCount(std::max(2, side / 70));
    // The two squares move towards each other and share what is left over at the outside.
    const auto place = [&](Panel& panel, double leftShare) {
        const int left = static_cast<int>(spareX * leftShare);
        panel.rect->setMargins(
            {kLeft + left, kTop + spareY / 2, kRight + spareX - left, kBottom + spareY - spareY / 2});
    };
    place(*m_u, 0.66);
    place(*m_w, 0.34);
}

QStringList DensityPlot::dataLines() const {
    QStringList lines{u"matrix,re,im,count"_s};
    if (m_plane == nullptr) return lines;
    for (const auto* panel : {m_u.get(), m_w.get()}) {
        const auto& density = densityOf(*panel);
        const double width = 2 * density.extent / density.bins;
        for (int row = 0; row < density.bins; ++row)
            for (int col = 0; col < density.bins; ++col) {
                const auto count = density.counts[static_cast<std::size_t>(row) * density.bins + col];
                if (count == 0) continue;
                lines.append(u"%1,%2,%3,%4"_s
                                 .arg(panel->name, csvNumber((col + 0.5) * width - density.extent),
                                      csvNumber((row + 0.5) * width - density.extent))
                                 .arg(count));
            }
    }
    return lines;
}

QString DensityPlot::readoutAt(const QPointF& position) {
    if (m_plane == nullptr) return {};
    for (const auto* panel : {m_u.get(), m_w.get()}) {
        if (!panel->rect->rect().contains(position.toPoint())) continue;
        const auto& density = densityOf(*panel);
        const double re = panel->x->pixelToCoord(position.x());
        const double im = panel->y->pixelToCoord(position.y());
        if (std::abs(re) >= density.extent || std::abs(im) >= density.extent) return {};
        const auto bin = [&](double value) {
            return static_cast<int>((value + density.extent) / (2 * density.extent) * density.bins);
        };
        const auto count = density.counts[static_cast<std::size_t>(bin(im)) * density.bins + bin(re)];
        const auto code = static_cast<std::size_t>(quant::phaseOf(re, im));
        const bool border =
            bin(re) == 0 || bin(im) == 0 || bin(re) == density.bins - 1 || bin(im) == density.bins - 1;
        return (border ? tr("%1 = %2 %3 i<br>%4 here or beyond, code %5")
                       : tr("%1 = %2 %3 i<br>%4 here, code %5"))
            .arg(panel->name, shell::numberText(re, 3),
                 (im < 0 ? u"− "_s : u"+ "_s) + shell::numberText(std::abs(im), 3),
                 tr("%n entries", nullptr, static_cast<int>(count)), codeName(code));
    }
    return {};
}

} // namespace fairy2::plots
