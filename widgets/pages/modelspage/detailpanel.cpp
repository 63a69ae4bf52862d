// SPDX-License-Identifier: Apache-2.0
#include "pages/modelspage/detailpanel.h"

#include "models/layersmodel.h"
#include "models/stagesmodel.h"
#include "plots/barplot.h"
#include "plots/curveplot.h"
#include "plots/scatterplot.h"
#include "shell/format.h"
#include "shell/segmentedbuttons.h"
#include "shell/tableview.h"
#include "shell/theme.h"

#include <QHeaderView>
#include <QStackedWidget>

#include <algorithm>
#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

using itemmodels::LayersModel;

constexpr int kLabelledPoints = 6;

std::vector<double> shares(const std::array<std::int64_t, 4>& counts) {
    const double sum = static_cast<double>(counts[0] + counts[1] + counts[2] + counts[3]);
    std::vector<double> result;
    for (const auto count : counts)
        result.push_back(sum > 0 ? static_cast<double>(count) / sum : 0);
    return result;
}

// "0.o" for layers.0.self_attn.o_proj: short enough to stand beside a dot.
QString dotLabel(const std::string& name) {
    const QString text = LayersModel::shortName(name);
    const int block = LayersModel::blockOf(name);
    const QString last = text.section(u'.', -1).remove(u"_proj"_s);
    return block < 0 ? last : u"%1.%2"_s.arg(block).arg(last);
}

} // namespace

DetailPanel::DetailPanel(const LayersModel& layers, QWidget* parent)
    : Card(tr("Codes"), parent), m_layers(layers), m_views(new shell::SegmentedButtons(tr("View"))),
      m_stack(new QStackedWidget), m_codes(new plots::BarPlot(tr("Code counts"))),
      m_stages(new itemmodels::StagesModel(this)), m_scales(new shell::TableView(tr("Scales"))),
      m_rows(new plots::CurvePlot(tr("Row profile"))),
      m_scatter(new plots::ScatterPlot(tr("SQNR against loss"))) {
    setObjectName(u"detailPanel"_s);
    m_views->setObjectName(u"detailButtons"_s);
    m_views->addOption(u"codes"_s, tr("codes"), tr("Share of entries that take each code"));
    m_views->addOption(u"scales"_s, tr("scales"), tr("Scales and statistics of every stage"));
    m_views->addOption(u"rows"_s, tr("rows"), tr("SQNR of every complex row"));
    m_views->addOption(u"scatter"_s, tr("Δloss"), tr("SQNR against Δloss of all layers"));
    addHeaderWidget(m_views);

    m_codes->setObjectName(u"codesPlot"_s);
    m_codes->setTickFormat(plots::Axis::Y, plots::TickFormat::Percent);
    m_codes->setAxis(plots::Axis::Y, tr("share of entries"));
    m_scales->setObjectName(u"scalesTable"_s);
    m_scales->setSortingEnabled(false);
    m_scales->setModel(m_stages);
    m_rows->setObjectName(u"rowsPlot"_s);
    m_rows->setAxis(plots::Axis::X, tr("complex row"));
    m_rows->setAxis(plots::Axis::Y, tr("SQNR"), tr("dB"));
    m_scatter->setObjectName(u"scatterPlot"_s);
    m_scatter->setAxis(plots::Axis::X, tr("SQNR of the weights"), tr("dB"));
    m_scatter->setAxis(plots::Axis::Y, tr("Δloss alone"), tr("nats"));
    m_scatter->setGroups({tr("MLP"), tr("attention")});
    m_scatter->setEmptyText(
        tr("The loss that each layer adds when it alone is quantised has not been measured for this "
           "model yet."));
    for (QWidget* view : {static_cast<QWidget*>(m_codes), static_cast<QWidget*>(m_scales),
                          static_cast<QWidget*>(m_rows), static_cast<QWidget*>(m_scatter)})
        m_stack->addWidget(view);
    setContent(m_stack);
    connect(m_views, &shell::SegmentedButtons::chosen, this, &DetailPanel::show);
    connect(m_scatter, &plots::ScatterPlot::pointClicked, this,
            [this](const QString& key) { emit layerClicked(key.toInt()); });
    connect(&shell::Theme::instance(), &shell::Theme::changed, this, [this] {
        showCodes();
        showRows();
    });
    show(m_views->current());
}

void DetailPanel::show(const QString& view) {
    const QString titles[] = {tr("Codes"), tr("Scales"), tr("Rows"), tr("SQNR does not say what hurts")};
    const QString ids[] = {u"codes"_s, u"scales"_s, u"rows"_s, u"scatter"_s};
    for (int i = 0; i < m_stack->count(); ++i)
        if (ids[i] == view) {
            m_stack->setCurrentIndex(i);
            setTitle(titles[i]);
        }
    showCodes();
    showRows();
}

void DetailPanel::setReport(int layer, const std::optional<quant::LayerReport>& report) {
    m_layer = layer;
    m_report = report;
    m_stages->setReport(report);
    for (int c = 0; c < m_stages->columnCount(); ++c)
        m_scales->fitColumn(c);
    m_scatter->setSelected(QString::number(layer));
    showCodes();
    showRows();
}

void DetailPanel::setStage(int stage) {
    m_stage = stage;
    showCodes();
}

void DetailPanel::showCodes() {
    const QStringList codes{u"+1"_s, u"+i"_s, u"−1"_s, u"−i"_s};
    const bool known = m_report && static_cast<std::size_t>(m_stage) < m_report->stages.size();
    const bool nonFinite = m_report && m_report->nonFinite > 0;
    m_codes->setEmptyText(nonFinite ? tr("%1 entries are NaN or infinite").arg(m_report->nonFinite)
                                    : tr("This layer is not analysed yet."));
    if (!known) {
        m_codes->setBars(codes, {});
    } else {
        const auto& stage = m_report->stages[static_cast<std::size_t>(m_stage)];
        const auto& phase = shell::Theme::instance().colors().phase;
        const std::vector<QColor> colors(phase.begin(), phase.end());
        m_codes->setBars(
            codes, {{u"U"_s, shares(stage.u.counts), colors}, {u"W"_s, shares(stage.w.counts), colors}});
    }
    if (m_views->current() == u"codes"_s) {
        setTitle(tr("Codes, stage %1").arg(m_stage + 1));
        setSubtitle(known ? tr("U | W") : QString());
    }
}

void DetailPanel::showRows() {
    const auto& colors = shell::Theme::instance().colors();
    m_rows->setSeries(u"rows"_s, tr("SQNR"), colors.accent);
    std::vector<double> x;
    std::vector<double> y;
    if (m_report)
        for (std::size_t row = 0; row < m_report->rowSqnrDb.size(); ++row) {
            x.push_back(static_cast<double>(row));
            y.push_back(m_report->rowSqnrDb[row]);
        }
    m_rows->setPoints(u"rows"_s, x, y);
    m_rows->setEmptyText(tr("This layer is not analysed yet."));
    if (m_views->current() == u"rows"_s && m_report)
        setSubtitle(tr("after stage %1").arg(m_report->stages.size()));
    if (m_views->current() == u"scales"_s) setSubtitle({});
    if (m_views->current() == u"scatter"_s) setSubtitle(tr("%n layer(s), W1", nullptr, m_layers.rowCount()));
}

void DetailPanel::refreshScatter() {
    std::vector<plots::ScatterPlot::Point> points;
    for (int layer = 0; layer < m_layers.rowCount(); ++layer) {
        const auto cost = m_layers.cost(layer, 1);
        if (!cost) continue;
        const auto& name = m_layers.layers()[static_cast<std::size_t>(layer)].name;
        plots::ScatterPlot::Point point;
        point.key = QString::number(layer);
        point.label = dotLabel(name);
        point.x = m_layers.sqnr(layer, 1);
        point.y = cost->deltaLoss;
        point.group = name.find("attn") != std::string::npos ? 1 : 0;
        points.push_back(point);
    }
    // Only the worst carry a name: they are what the plot is about.
    std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.y > b.y; });
    for (std::size_t i = 0; i < points.size() && i < kLabelledPoints; ++i)
        points[i].labelled = true;
    m_scatter->setPoints(std::move(points));
}

} // namespace fairy2::pages
