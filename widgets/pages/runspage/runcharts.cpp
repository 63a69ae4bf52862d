// SPDX-License-Identifier: Apache-2.0
#include "pages/runspage/runcharts.h"

#include "pages/metricstore.h"
#include "pages/runstore.h"
#include "plots/curveplot.h"
#include "shell/card.h"
#include "shell/segmentedbuttons.h"
#include "shell/settings.h"
#include "shell/workspace.h"

#include <QComboBox>
#include <QGridLayout>
#include <QPushButton>
#include <QSettings>
#include <set>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

namespace tags = itemmodels::tags;
using itemmodels::Progress;

constexpr int kGap = 12;

struct MetricLook {
    QString title; ///< of the card
    QString axis;
    QString unit;
    plots::TickFormat format = plots::TickFormat::Plain;
};

MetricLook lookOf(const QString& tag) {
    const auto is = [&](const char* other) { return tag == QLatin1String(other); };
    if (is(tags::kLoss))
        return {RunCharts::tr("Training loss"), RunCharts::tr("loss"), RunCharts::tr("nats/token")};
    if (is(tags::kValidationLoss))
        return {RunCharts::tr("Validation loss"), RunCharts::tr("loss"), RunCharts::tr("nats/token")};
    if (is(tags::kFlipRate))
        return {RunCharts::tr("Codes flipped"),
                RunCharts::tr("share of codes per step"),
                {},
                plots::TickFormat::Percent};
    if (is(tags::kResidualEnergy))
        return {RunCharts::tr("Residual energy"),
                RunCharts::tr("energy left after the last stage"),
                {},
                plots::TickFormat::Percent};
    if (is(tags::kSpeed))
        return {RunCharts::tr("Throughput"), RunCharts::tr("tokens per second"), {}, plots::TickFormat::Si};
    if (is(tags::kLearningRate)) return {RunCharts::tr("Learning rate"), RunCharts::tr("learning rate"), {}};
    return {tag, tag, {}};
}

QString key(const std::string& uuid) {
    return QString::fromStdString(uuid);
}

} // namespace

RunCharts::RunCharts(shell::Workspace& workspace, QWidget* parent)
    : QWidget(parent), m_workspace(workspace), m_metrics(new MetricStore(workspace, this)) {
    m_loss = makeLoss();
    m_left = makeSide(u"flips"_s, {{QString::fromLatin1(tags::kFlipRate), tr("flips")},
                                   {QString::fromLatin1(tags::kResidualEnergy), tr("residual")}});
    m_right = makeSide(u"speed"_s, {{QString::fromLatin1(tags::kSpeed), tr("tok/s")},
                                    {QString::fromLatin1(tags::kLearningRate), tr("lr")}});
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(kGap);
    grid->addWidget(m_loss.card, 0, 0, 2, 1);
    grid->addWidget(m_left.card, 0, 1);
    grid->addWidget(m_right.card, 1, 1);
    grid->setColumnStretch(0, 5);
    grid->setColumnStretch(1, 4);
    grid->setRowStretch(0, 1);
    grid->setRowStretch(1, 1);
    connect(m_metrics, &MetricStore::changed, this,
            [this](const QString& uuid) { drawRun(uuid.toStdString()); });
    for (const auto* chart : charts()) {
        connect(chart->plot, &plots::CurvePlot::seriesClicked, this, &RunCharts::runClicked);
        for (const auto* sister : charts())
            if (sister != chart)
                connect(chart->plot, &plots::CurvePlot::hovered, sister->plot,
                        &plots::CurvePlot::setCrosshair);
    }
    applyAxes();
}

std::vector<const RunCharts::Chart*> RunCharts::charts() const {
    return {&m_loss, &m_left, &m_right};
}

RunCharts::Chart RunCharts::makeLoss() {
    auto& saved = shell::settings();
    Chart chart;
    chart.card = new shell::Card({}, this);
    chart.plot = new plots::CurvePlot(tr("Loss"), chart.card);
    chart.plot->setObjectName(u"lossPlot"_s);
    chart.plot->setEmptyText(tr("The loss appears here as soon as a run has made its first step"));
    chart.card->setContent(chart.plot, kGap);

    chart.metric = new shell::SegmentedButtons(tr("Which loss"), chart.card);
    chart.metric->setObjectName(u"lossMetric"_s);
    chart.metric->addOption(QString::fromLatin1(tags::kLoss), tr("train"), tr("Loss of each training step"));
    chart.metric->addOption(QString::fromLatin1(tags::kValidationLoss), tr("validation"),
                            tr("Loss on rows held out of training"));
    chart.metric->setCurrent(saved.value(u"runs/loss"_s, QString::fromLatin1(tags::kLoss)).toString());
    m_progress = new shell::SegmentedButtons(tr("Horizontal axis"), chart.card);
    m_progress->setObjectName(u"progressAxis"_s);
    m_progress->addOption(u"steps"_s, tr("step"));
    m_progress->addOption(u"tokens"_s, tr("tokens"));
    m_progress->addOption(u"time"_s, tr("time"));
    m_progress->setCurrent(saved.value(u"runs/progress"_s, u"steps"_s).toString());
    m_logX = makeToggle(u"logX"_s, tr("log x"), tr("Logarithmic horizontal axis"));
    m_logY = makeToggle(u"logY"_s, tr("log y"), tr("Logarithmic loss axis"));
    m_smoothing = new QComboBox(chart.card);
    m_smoothing->setObjectName(u"smoothing"_s);
    m_smoothing->setAccessibleName(tr("Smoothing"));
    m_smoothing->setToolTip(tr("Exponential moving average, debiased; the raw curve stays as a ghost"));
    m_smoothing->addItem(tr("raw"), 0.0);
    for (const double weight : {0.6, 0.9, 0.97})
        m_smoothing->addItem(tr("EMA %1").arg(weight), weight);
    m_smoothing->setCurrentIndex(std::clamp(saved.value(u"runs/smoothing"_s, 1).toInt(), 0, 3));
    for (QWidget* widget :
         std::initializer_list<QWidget*>{chart.metric, m_progress, m_logX, m_logY, m_smoothing})
        chart.card->addHeaderWidget(widget);

    const auto remember = [this] {
        auto& settings = shell::settings();
        settings.setValue(u"runs/loss"_s, m_loss.metric->current());
        settings.setValue(u"runs/progress"_s, m_progress->current());
        settings.setValue(u"runs/smoothing"_s, m_smoothing->currentIndex());
        settings.setValue(u"runs/logX"_s, m_logX->isChecked());
        settings.setValue(u"runs/logY"_s, m_logY->isChecked());
        applyAxes();
        draw();
    };
    connect(chart.metric, &shell::SegmentedButtons::chosen, this, remember);
    connect(m_progress, &shell::SegmentedButtons::chosen, this, remember);
    connect(m_logX, &QPushButton::toggled, this, remember);
    connect(m_logY, &QPushButton::toggled, this, remember);
    connect(m_smoothing, &QComboBox::activated, this, remember);
    return chart;
}

RunCharts::Chart RunCharts::makeSide(const QString& name,
                                     const std::vector<std::pair<QString, QString>>& metrics) {
    Chart chart;
    chart.card = new shell::Card({}, this);
    chart.metric = new shell::SegmentedButtons(tr("Metric"), chart.card);
    chart.metric->setObjectName(name + u"Metric"_s);
    for (const auto& [tag, text] : metrics)
        chart.metric->addOption(tag, text);
    chart.metric->setCurrent(shell::settings().value(u"runs/"_s + name, metrics.front().first).toString());
    chart.plot = new plots::CurvePlot(name, chart.card);
    chart.plot->setObjectName(name + u"Plot"_s);
    chart.card->addHeaderWidget(chart.metric);
    chart.card->setContent(chart.plot, kGap);
    connect(chart.metric, &shell::SegmentedButtons::chosen, this, [this, name](const QString& tag) {
        shell::settings().setValue(u"runs/"_s + name, tag);
        applyAxes();
        draw();
    });
    return chart;
}

QPushButton* RunCharts::makeToggle(const QString& id, const QString& text, const QString& toolTip) {
    auto* button = new QPushButton(this);
    button->setObjectName(id);
    button->setText(text);
    button->setToolTip(toolTip);
    button->setCheckable(true);
    button->setProperty("role", u"flat"_s);
    button->setChecked(shell::settings().value(u"runs/"_s + id, false).toBool());
    return button;
}

Progress RunCharts::progress() const {
    if (m_progress->current() == "tokens"_L1) return Progress::Tokens;
    return m_progress->current() == "time"_L1 ? Progress::Time : Progress::Steps;
}

void RunCharts::applyAxes() {
    const auto along = progress();
    const QString name = along == Progress::Steps    ? tr("step")
                         : along == Progress::Tokens ? tr("tokens")
                                                     : tr("time in training");
    for (const auto* chart : charts()) {
        const auto look = lookOf(chart->metric->current());
        chart->card->setTitle(chart == &m_loss ? tr("Loss") : look.title);
        chart->plot->setAxis(plots::Axis::X, name, along == Progress::Time ? tr("s") : QString());
        chart->plot->setTickFormat(plots::Axis::X, plots::TickFormat::Si);
        chart->plot->setAxis(plots::Axis::Y, look.axis, look.unit);
        chart->plot->setTickFormat(plots::Axis::Y, look.format);
        if (chart != &m_loss) chart->plot->setEmptyText(tr("not measured by these runs"));
    }
    m_loss.plot->setLogarithmic(plots::Axis::X, m_logX->isChecked());
    m_loss.plot->setLogarithmic(plots::Axis::Y, m_logY->isChecked());
    const bool isTraining = m_loss.metric->current() == QLatin1String(tags::kLoss);
    const double weight = m_smoothing->currentData().toDouble();
    m_loss.plot->setSmoothing(isTraining ? weight : 0);
    m_right.plot->setSmoothing(weight);
}

void RunCharts::setRuns(std::vector<std::string> uuids, const std::string& selected) {
    const bool hasSelected = std::find(uuids.begin(), uuids.end(), selected) != uuids.end();
    if (uuids.size() > kMostRuns) uuids.resize(kMostRuns);
    if (hasSelected && std::find(uuids.begin(), uuids.end(), selected) == uuids.end())
        uuids.back() = selected;
    const bool sameRuns = uuids == m_uuids;
    const bool sameSelection = selected == m_selected;
    m_selected = selected;
    if (sameRuns && sameSelection) return;
    m_uuids = std::move(uuids);
    if (!sameRuns) m_metrics->watch(std::set<std::string>(m_uuids.begin(), m_uuids.end()));
    draw();
}

void RunCharts::applySelection() {
    for (const auto* chart : charts())
        chart->plot->setHighlighted(key(m_selected));
    const bool isSelected = !m_selected.empty();
    for (const auto* chart : {&m_left, &m_right})
        chart->card->setSubtitle(isSelected ? tr("selected run") : QString());
}

void RunCharts::draw() {
    for (const auto* chart : charts())
        chart->plot->clear();
    for (const auto& uuid : m_uuids)
        drawRun(uuid);
    applySelection();
}

void RunCharts::drawRun(const std::string& uuid) {
    for (const auto* chart : charts())
        drawSeries(*chart, uuid, chart->metric->current());
}

void RunCharts::drawSeries(const Chart& chart, const std::string& uuid, const QString& metric) {
    const auto* row = RunStore::of(m_workspace).find(uuid);
    const auto* metrics = m_metrics->find(uuid);
    // Shares and speeds of ten runs on top of each other tell nothing.
    const bool hidden = &chart != &m_loss && !m_selected.empty() && uuid != m_selected;
    if (row == nullptr || metrics == nullptr || hidden) return;
    const auto* series = metrics->find(metric.toStdString());
    if (series == nullptr) return;
    chart.plot->setSeries(key(uuid), QString::fromStdString(itemmodels::displayName(row->summary)),
                          shell::runColor(row->color), shell::runPenStyle(row->color));
    chart.plot->setPoints(key(uuid), metrics->along(*series, progress(), row->tokensPerStep.value_or(1)),
                          series->values);
}

} // namespace fairy2::pages
