// SPDX-License-Identifier: Apache-2.0
#include "plots/ladderplot.h"

#include "plots/plotcore.h"
#include "shell/format.h"
#include "shell/theme.h"

#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::plots {
namespace {

constexpr int kMaxStages = 4;
constexpr double kDot = 5;
constexpr int kMostTicks = 12;

QColor stageColor(const shell::Colors& colors, int stage) {
    const QColor order[kMaxStages] = {colors.phase[2], colors.accent, colors.phase[3], colors.phase[1]};
    return order[stage];
}

QString stageText(int stage) {
    return stage <= 1 ? LadderPlot::tr("after stage %1 (W%1)").arg(stage + 1)
                      : LadderPlot::tr("after stage %1").arg(stage + 1);
}

} // namespace

struct LadderPlot::Items {
    QCPItemRect* band;
    std::array<QCPGraph*, kMaxStages> stages{};
    QSharedPointer<QCPAxisTickerText> blocks{new QCPAxisTickerText};
};

LadderPlot::LadderPlot(const QString& name, QWidget* parent) : PlotView(name, parent), m_items(new Items) {
    auto* plot = core().plot;
    setTickFormat(Axis::Y, TickFormat::Percent);
    setLogarithmic(Axis::Y, true);
    core().x->setTicker(m_items->blocks);
    m_items->band = new QCPItemRect(plot);
    m_items->band->setLayer(u"background"_s);
    m_items->band->setPen(Qt::NoPen);
    for (auto* corner : {m_items->band->topLeft, m_items->band->bottomRight}) {
        corner->setTypeX(QCPItemPosition::ptPlotCoords);
        corner->setTypeY(QCPItemPosition::ptAxisRectRatio);
    }
    for (auto& graph : m_items->stages) {
        graph = plot->addGraph();
        graph->setLineStyle(QCPGraph::lsNone);
        graph->setAdaptiveSampling(false);
    }
    plot->legend->setVisible(true);
    plot->legend->setBorderPen(Qt::NoPen);
    plot->legend->setBrush(Qt::NoBrush);
    plot->legend->setFillOrder(QCPLayoutGrid::foColumnsFirst);
    plot->legend->setWrap(0);
    plot->legend->setIconSize(8, 8);
    plot->legend->setIconTextPadding(4);
    plot->legend->setColumnSpacing(16);
    plot->legend->setMargins({0, 0, 0, 0});
    // Below the plot, so no dot hides behind it.
    auto* below = new QCPLayoutGrid;
    plot->plotLayout()->addElement(1, 0, below);
    below->addElement(0, 0, plot->legend);
    below->setMargins({60, 0, 8, 8});
    plot->plotLayout()->setRowStretchFactor(1, 0.001);
    plot->plotLayout()->setRowSpacing(0);
}

LadderPlot::~LadderPlot() = default;

void LadderPlot::setLayers(const QStringList& names, const std::vector<int>& blocks) {
    m_names = names;
    m_blocks = blocks;
    m_energy.assign(static_cast<std::size_t>(names.size()), {});
    m_selected = -1;
    int last = -1;
    for (const int block : blocks)
        last = std::max(last, block);
    const int every = last / kMostTicks + 1;
    QMap<double, QString> ticks;
    for (int block = 0; block <= last; block += every) {
        const auto first = std::find(blocks.begin(), blocks.end(), block);
        const auto count = std::count(blocks.begin(), blocks.end(), block);
        if (first == blocks.end()) continue;
        const double middle =
            static_cast<double>(first - blocks.begin()) + (static_cast<double>(count) - 1) / 2;
        ticks.insert(middle, last < kMostTicks ? tr("block %1").arg(block) : QString::number(block));
    }
    m_items->blocks->setTicks(ticks);
    core().x->setLabel(last < kMostTicks ? QString() : tr("block"));
    resetView();
}

void LadderPlot::setEnergy(int layer, const std::vector<double>& afterStage) {
    if (layer < 0 || layer >= static_cast<int>(m_energy.size())) return;
    m_energy[static_cast<std::size_t>(layer)] = afterStage;
    markDirty();
}

void LadderPlot::setSelected(int layer) {
    m_selected = layer;
    markDirty();
}

bool LadderPlot::isEmpty() const {
    return std::all_of(m_energy.begin(), m_energy.end(), [](const auto& stages) { return stages.empty(); });
}

void LadderPlot::redraw(const shell::Colors& colors) {
    core().x->setTicker(m_items->blocks);
    m_items->band->setVisible(m_selected >= 0);
    m_items->band->setBrush(colors.accentWash);
    m_items->band->topLeft->setCoords(m_selected - 0.5, 0);
    m_items->band->bottomRight->setCoords(m_selected + 0.5, 1);
    core().plot->legend->setFont(shell::Theme::font(shell::TextSize::Axis));
    core().plot->legend->setTextColor(colors.secondary);
    for (int stage = 0; stage < kMaxStages; ++stage) {
        QVector<double> keys;
        QVector<double> values;
        for (std::size_t layer = 0; layer < m_energy.size(); ++layer) {
            if (stage >= static_cast<int>(m_energy[layer].size())) continue;
            const double energy = m_energy[layer][static_cast<std::size_t>(stage)];
            if (!(energy > 0)) continue;
            keys.append(static_cast<double>(layer));
            values.append(energy);
        }
        auto* graph = m_items->stages[static_cast<std::size_t>(stage)];
        const QColor color = stageColor(colors, stage);
        graph->setData(keys, values, true);
        graph->setScatterStyle(QCPScatterStyle(QCPScatterStyle::ssDisc, color, color, kDot));
        graph->setName(stageText(stage));
        if (keys.isEmpty())
            graph->removeFromLegend();
        else
            graph->addToLegend();
    }
}

void LadderPlot::fitRanges() {
    double low = std::numeric_limits<double>::infinity();
    double high = 0;
    for (const auto& stages : m_energy)
        for (const double energy : stages) {
            if (!(energy > 0)) continue;
            low = std::min(low, energy);
            high = std::max(high, energy);
        }
    core().x->setRange(-0.7, static_cast<double>(m_energy.size()) - 0.3);
    if (high > 0) PlotCore::showRange(*core().y, low, high, 0.12);
}

QStringList LadderPlot::dataLines() const {
    QStringList lines{u"layer,stage,energy_left"_s};
    for (std::size_t layer = 0; layer < m_energy.size(); ++layer)
        for (std::size_t stage = 0; stage < m_energy[layer].size(); ++stage)
            lines.append(u"%1,%2,%3"_s.arg(m_names[static_cast<qsizetype>(layer)])
                             .arg(stage + 1)
                             .arg(csvNumber(m_energy[layer][stage])));
    return lines;
}

int LadderPlot::layerAt(const QPointF& position) const {
    if (!core().plot->axisRect()->rect().contains(position.toPoint())) return -1;
    const int layer = static_cast<int>(std::lround(core().x->pixelToCoord(position.x())));
    return layer >= 0 && layer < static_cast<int>(m_energy.size()) ? layer : -1;
}

QString LadderPlot::readoutAt(const QPointF& position) {
    const int layer = layerAt(position);
    if (layer < 0) return {};
    QString text = m_names[layer].toHtmlEscaped();
    const auto& stages = m_energy[static_cast<std::size_t>(layer)];
    for (std::size_t stage = 0; stage < stages.size(); ++stage)
        text +=
            u"<br>"_s + stageText(static_cast<int>(stage)) + u":  "_s + shell::percentText(stages[stage], 2);
    return text;
}

void LadderPlot::clicked(const QPointF& position) {
    if (const int layer = layerAt(position); layer >= 0) emit layerClicked(layer);
}

} // namespace fairy2::plots
