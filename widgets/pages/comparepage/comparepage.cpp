// SPDX-License-Identifier: Apache-2.0
#include "pages/comparepage/comparepage.h"

#include "base/paths.h"
#include "dialogs/checkpointchooser.h"
#include "models/configdiffmodel.h"
#include "models/figuretext.h"
#include "pages/candidatestore.h"
#include "pages/comparepage/heatgrid.h"
#include "pages/metricstore.h"
#include "pages/runstore.h"
#include "plots/curveplot.h"
#include "plots/scatterplot.h"
#include "shell/card.h"
#include "shell/emptystate.h"
#include "shell/segmentedbuttons.h"
#include "shell/tableview.h"
#include "shell/theme.h"
#include "shell/workspace.h"

#include <QClipboard>
#include <QComboBox>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QStackedLayout>
#include <QStackedWidget>
#include <QVBoxLayout>
#include <algorithm>
#include <set>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

namespace tags = itemmodels::tags;
using itemmodels::Candidate;
using itemmodels::QualityModel;

constexpr int kGap = 12;
constexpr std::size_t kDefaultRuns = 7; ///< as many as the palette has plain colours

// Held-out rows: those that a run was validated on, else the demo's.
QualityModel::TokenSet heldOutRows(const std::vector<Candidate>& chosen, const RunStore& runs) {
    static const base::Json::json_pointer kFile("/data/validation");
    static const base::Json::json_pointer kKey("/data/validation_key");
    for (const auto& candidate : chosen) {
        const auto* run = runs.find(candidate.run);
        if (run == nullptr) continue;
        const auto& config = run->summary.config;
        if (!config.is_object() || !config.contains(kFile) || !config[kFile].is_string()) continue;
        const auto file = config[kFile].get<std::string>();
        const auto key = config.contains(kKey) && config[kKey].is_string() ? config[kKey].get<std::string>()
                                                                           : std::string();
        if (!file.empty()) return {file, key, 0};
    }
    return {(base::dataDirectory() / "resources/demo/stories_tokens.safetensors").string(), "val", 0};
}

QString key(const std::string& uuid) {
    return QString::fromStdString(uuid);
}

} // namespace

ComparePage::ComparePage(shell::Workspace& workspace, QWidget* parent)
    : Page(parent), m_workspace(workspace), m_runs(RunStore::of(workspace)),
      m_store(CandidateStore::of(workspace)), m_candidates(new itemmodels::CandidatesModel(this)),
      m_quality(new QualityModel(this)), m_configs(new itemmodels::ConfigDiffModel(this)),
      m_evaluator(new Evaluator(workspace, this)), m_metrics(new MetricStore(workspace, this)),
      m_stack(new QStackedLayout) {
    setObjectName(u"comparePage"_s);
    auto* full = new QWidget(this);
    auto* grid = new QGridLayout(full);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(kGap);
    grid->addWidget(makeQuality(), 0, 0, 1, 2);
    grid->addWidget(makeChart(), 1, 0, 2, 1);
    grid->addWidget(makeConfig(), 1, 1);
    grid->addWidget(makeLayers(), 2, 1);
    grid->setColumnStretch(0, 9);
    grid->setColumnStretch(1, 14);
    grid->setRowStretch(0, 5);
    grid->setRowStretch(1, 4);
    grid->setRowStretch(2, 5);
    setLayout(m_stack);
    m_stack->addWidget(makeEmpty());
    m_stack->addWidget(full);

    connect(&m_store, &CandidateStore::changed, this, &ComparePage::showCandidates);
    connect(&m_store, &CandidateStore::requested, this, &ComparePage::takeRequests);
    connect(m_candidates, &itemmodels::CandidatesModel::checkedChanged, this, &ComparePage::onChosen);
    connect(m_evaluator, &Evaluator::changed, this, &ComparePage::showQuality);
    connect(m_evaluator, &Evaluator::busyChanged, this, &ComparePage::updateEvaluate);
    connect(m_evaluator, &Evaluator::failed, this, [this](const QString& label, const base::Error& error) {
        m_failure->setText(tr("%1: %2").arg(label, QString::fromStdString(error.sentence())));
        m_failure->show();
    });
    connect(m_metrics, &MetricStore::changed, this, &ComparePage::showCurves);
    showCandidates();
    takeRequests();
    showChart();
}

QWidget* ComparePage::makeEmpty() {
    auto* card = new shell::Card(tr("Compare"), this);
    auto* empty = new shell::EmptyState(tr("Nothing to compare yet"),
                                        tr("Choose two or more checkpoints: their losses, sizes, curves and "
                                           "the keys in which their configurations "
                                           "differ appear here next to each other."),
                                        this);
    auto* choose = empty->addButton(tr("Choose checkpoints…"), u"emptyChoose"_s, true);
    auto* train = empty->addButton(tr("Train"), u"emptyTrain"_s);
    connect(choose, &QPushButton::clicked, this, &ComparePage::choose);
    connect(train, &QPushButton::clicked, this, [this] { m_workspace.requestPage(u"train"_s); });
    card->setContent(empty);
    return card;
}

QWidget* ComparePage::makeQuality() {
    m_qualityCard = new shell::Card(tr("Quality"), this);
    auto* choose = new QPushButton(tr("Choose…"), m_qualityCard);
    choose->setObjectName(u"compareChoose"_s);
    m_evaluate = new QPushButton(tr("Evaluate missing"), m_qualityCard);
    m_evaluate->setObjectName(u"evaluateMissing"_s);
    auto* metric = new shell::SegmentedButtons(tr("Metric"), m_qualityCard);
    metric->setObjectName(u"qualityMetric"_s);
    metric->addOption(u"loss"_s, tr("loss"));
    metric->addOption(u"perplexity"_s, tr("perplexity"));
    metric->setCurrent(u"loss"_s);
    auto* copy = new QPushButton(tr("Copy as Markdown"), m_qualityCard);
    copy->setObjectName(u"copyMarkdown"_s);
    for (QWidget* widget : std::initializer_list<QWidget*>{metric, choose, m_evaluate, copy})
        m_qualityCard->addHeaderWidget(widget);

    auto* body = new QWidget(m_qualityCard);
    m_table = new shell::TableView(tr("Quality"), body);
    m_table->setObjectName(u"quality"_s);
    m_table->setModel(m_quality);
    m_table->setSortingEnabled(false);
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    m_failure = new QLabel(body);
    m_failure->setObjectName(u"compareFailure"_s);
    m_failure->setProperty("tone", u"bad"_s);
    m_failure->setWordWrap(true);
    m_failure->setContentsMargins(kGap, 6, kGap, 6);
    m_failure->hide();
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_table, 1);
    column->addWidget(m_failure);
    m_qualityCard->setContent(body);

    connect(choose, &QPushButton::clicked, this, &ComparePage::choose);
    connect(copy, &QPushButton::clicked, this, &ComparePage::copyMarkdown);
    connect(m_evaluate, &QPushButton::clicked, this, [this] {
        if (m_evaluator->busy())
            m_evaluator->cancel();
        else
            evaluateMissing();
    });
    connect(metric, &shell::SegmentedButtons::chosen, this, [this](const QString& id) {
        const bool loss = id == "loss"_L1;
        m_quality->setMetric(loss ? QualityModel::Metric::Loss : QualityModel::Metric::Perplexity);
        showQuality();
    });
    return m_qualityCard;
}

QWidget* ComparePage::makeChart() {
    m_chartCard = new shell::Card(tr("Loss"), this);
    m_size = new shell::SegmentedButtons(tr("Size"), m_chartCard);
    m_size->setObjectName(u"sizeAxis"_s);
    m_size->addOption(u"bits"_s, tr("bits/weight"));
    m_size->addOption(u"bytes"_s, tr("bytes"));
    m_size->setCurrent(u"bits"_s);
    m_loss = new shell::SegmentedButtons(tr("Which loss"), m_chartCard);
    m_loss->setObjectName(u"curveLoss"_s);
    m_loss->addOption(QString::fromLatin1(tags::kLoss), tr("train"));
    m_loss->addOption(QString::fromLatin1(tags::kValidationLoss), tr("validation"));
    m_loss->setCurrent(QString::fromLatin1(tags::kLoss));
    m_chart = new shell::SegmentedButtons(tr("Chart"), m_chartCard);
    m_chart->setObjectName(u"compareChart"_s);
    m_chart->addOption(u"size"_s, tr("size"), tr("Loss against size"));
    m_chart->addOption(u"curves"_s, tr("curves"), tr("Loss while training"));
    m_chart->setCurrent(u"size"_s);
    m_chartCard->addHeaderWidget(m_size);
    m_chartCard->addHeaderWidget(m_loss);
    m_chartCard->addHeaderWidget(m_chart);

    m_plots = new QStackedWidget(m_chartCard);
    m_scatter = new plots::ScatterPlot(tr("Loss against size"), m_plots);
    m_scatter->setObjectName(u"sizePlot"_s);
    m_scatter->setDotSize(10);
    m_scatter->setEmptyText(tr("Evaluate the checkpoints to see their loss against their size"));
    m_curves = new plots::CurvePlot(tr("Curves"), m_plots);
    m_curves->setObjectName(u"comparePlot"_s);
    m_curves->setSmoothing(0.6);
    m_curves->setEmptyText(tr("None of the chosen checkpoints comes from a run"));
    m_plots->addWidget(m_scatter);
    m_plots->addWidget(m_curves);
    m_chartCard->setContent(m_plots, kGap);
    connect(m_chart, &shell::SegmentedButtons::chosen, this, &ComparePage::showChart);
    connect(m_size, &shell::SegmentedButtons::chosen, this, &ComparePage::showScatter);
    connect(m_loss, &shell::SegmentedButtons::chosen, this, &ComparePage::showCurves);
    return m_chartCard;
}

QWidget* ComparePage::makeConfig() {
    m_configCard = new shell::Card(tr("Config"), this);
    auto* which = new shell::SegmentedButtons(tr("Which keys are shown"), m_configCard);
    which->setObjectName(u"configKeys"_s);
    which->addOption(u"differences"_s, tr("differences"));
    which->addOption(u"all"_s, tr("all"));
    which->setCurrent(u"differences"_s);
    m_configCard->addHeaderWidget(which);
    m_configTable = new shell::TableView(tr("Config"), m_configCard);
    m_configTable->setObjectName(u"configDiff"_s);
    m_configTable->setModel(m_configs);
    m_configTable->setSortingEnabled(false);
    m_configTable->horizontalHeader()->setMinimumSectionSize(70);
    m_configTable->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    connect(m_configs, &QAbstractItemModel::modelReset, this, [this] {
        if (m_configs->columnCount() > 0)
            m_configTable->horizontalHeader()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    });
    m_configCard->setContent(m_configTable);
    connect(which, &shell::SegmentedButtons::chosen, this,
            [this](const QString& id) { m_configs->setDifferencesOnly(id == "differences"_L1); });
    return m_configCard;
}

QWidget* ComparePage::makeLayers() {
    m_layersCard = new shell::Card(tr("Layers"), this);
    m_layersCard->setSubtitle(tr("SQNR in dB after one and after two stages, lower is worse"));
    m_layersOf = new QComboBox(m_layersCard);
    m_layersOf->setObjectName(u"layersOf"_s);
    m_layersOf->setAccessibleName(tr("Whose layers"));
    m_layersOf->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_layersCard->addHeaderWidget(m_layersOf);
    m_layersStack = new QStackedWidget(m_layersCard);
    m_layersHint = new QLabel(m_layersStack);
    m_layersHint->setProperty("role", u"secondary"_s);
    m_layersHint->setAlignment(Qt::AlignCenter);
    m_layersHint->setWordWrap(true);
    m_grid = new HeatGrid(m_layersStack);
    m_grid->setObjectName(u"layerGrid"_s);
    m_layersStack->addWidget(m_layersHint);
    m_layersStack->addWidget(m_grid);
    m_layersCard->setContent(m_layersStack, kGap);
    connect(m_layersOf, &QComboBox::activated, this, &ComparePage::analyze);
    return m_layersCard;
}

QString ComparePage::breadcrumb() const {
    return tr("%n checkpoint(s)", nullptr, static_cast<int>(m_chosen.size()));
}

void ComparePage::activate() {
    m_evaluator->refresh();
    showCandidates();
}

void ComparePage::showCandidates() {
    m_candidates->setCandidates(m_store.all());
    // A page that can show something shows it: the open model beside the latest checkpoint of each run.
    if (!m_choseDefault && m_candidates->rowCount() > 1) {
        m_choseDefault = true;
        std::set<std::string> seen;
        for (int row = 0; row < m_candidates->rowCount() && seen.size() < kDefaultRuns; ++row) {
            const Candidate candidate = m_candidates->candidate(row);
            if (candidate.run.empty() || seen.insert(candidate.run).second)
                m_candidates->setChecked(candidate.path, true);
        }
    }
    onChosen();
}

void ComparePage::takeRequests() {
    const QStringList paths = m_store.takeRequests(u"compare"_s);
    if (paths.isEmpty()) return;
    m_choseDefault = true;
    for (const auto& candidate : m_candidates->checked())
        if (!paths.contains(candidate.path)) m_candidates->setChecked(candidate.path, false);
    for (const auto& path : paths) {
        m_store.add(path);
        m_candidates->setChecked(path, true);
    }
}

void ComparePage::choose() {
    if (m_chooser == nullptr) m_chooser = new dialogs::CheckpointChooser(m_workspace, *m_candidates, this);
    m_chooser->open();
}

void ComparePage::onChosen() {
    auto chosen = m_candidates->checked();
    if (chosen == m_chosen) return;
    m_chosen = std::move(chosen);
    m_stack->setCurrentIndex(m_chosen.empty() ? 0 : 1);
    std::set<std::string> runs;
    for (const auto& candidate : m_chosen)
        if (!candidate.run.empty()) runs.insert(candidate.run);
    m_metrics->watch(runs);
    readChosen();
    showQuality();
    showConfigs();
    showCurves();
    emit breadcrumbChanged();
}

// Sizes first, from headers alone; then the content hashes, which read every byte.
void ComparePage::readChosen() {
    std::vector<QString> paths;
    for (const auto& candidate : m_chosen)
        if (m_known[candidate.path].contentHash.empty() && m_known[candidate.path].failure.isEmpty())
            paths.push_back(candidate.path);
    if (paths.empty()) {
        offerLayers();
        return;
    }
    m_workspace.jobs().run<bool>(
        tr("Reading checkpoints"), this,
        [this, paths](const shell::JobControl& control) -> base::Result<bool> {
            std::vector<std::pair<QString, std::shared_ptr<const models::Checkpoint>>> opened;
            for (const auto& path : paths) {
                Known known;
                auto checkpoint = models::Checkpoint::open(path.toStdString());
                if (checkpoint) {
                    known.mode = itemmodels::canonicalMode(**checkpoint, {});
                    known.size = itemmodels::sizeInMode(**checkpoint, known.mode);
                    known.canBeAnalyzed = (*checkpoint)->kind() == models::CheckpointKind::HuggingFace ||
                                          (*checkpoint)->kind() == models::CheckpointKind::Master;
                    opened.emplace_back(path, *checkpoint);
                } else {
                    known.failure = QString::fromStdString(checkpoint.error().sentence());
                }
                control.post([this, path, known] {
                    m_known[path] = known;
                    showQuality();
                    offerLayers();
                });
            }
            for (std::size_t i = 0; i < opened.size(); ++i) {
                if (control.task().cancelled()) return base::cancelled();
                control.task().progress(static_cast<std::int64_t>(i),
                                        static_cast<std::int64_t>(opened.size()), "hashing");
                auto hash = opened[i].second->contentHash();
                control.post([this, path = opened[i].first, hash] {
                    if (hash)
                        m_known[path].contentHash = *hash;
                    else
                        m_known[path].failure = QString::fromStdString(hash.error().sentence());
                    showQuality();
                });
            }
            return true;
        },
        [this](const base::Result<bool>&) { updateEvaluate(); }, &m_reading);
}

void ComparePage::showQuality() {
    std::vector<QualityModel::Subject> subjects;
    QString failure;
    for (const auto& candidate : m_chosen) {
        const Known& known = m_known[candidate.path];
        subjects.push_back({candidate.label, candidate.color, known.contentHash, known.mode, known.size});
        if (!known.failure.isEmpty()) failure = tr("%1: %2").arg(candidate.label, known.failure);
    }
    m_failure->setText(failure);
    m_failure->setVisible(!failure.isEmpty());
    m_quality->setSubjects(std::move(subjects));
    m_quality->setEvaluations(m_evaluator->evaluations());
    QStringList files;
    for (const auto& set : m_quality->tokenSets()) {
        const QString file = QString::fromStdString(base::Path(set.tokens).filename().string());
        if (!files.contains(file)) files << file;
    }
    m_qualityCard->setSubtitle(files.isEmpty() ? tr("not evaluated yet")
                                               : tr("nats/token on %1").arg(files.join(u", "_s)));
    showScatter();
    updateEvaluate();
}

void ComparePage::showScatter() {
    const bool bits = m_size->current() == "bits"_L1;
    std::vector<plots::ScatterPlot::Point> points;
    for (int row = 0; row < m_quality->rowCount(); ++row) {
        const auto loss = m_quality->meanLoss(row);
        if (!loss) continue;
        const auto& subject = m_quality->subjects()[static_cast<std::size_t>(row)];
        plots::ScatterPlot::Point point;
        point.key = QString::number(row);
        point.label = subject.label;
        point.x = bits ? subject.size.bitsPerWeight : subject.size.bytes;
        point.y = *loss;
        point.color = shell::runColor(subject.color);
        point.labelled = true;
        points.push_back(std::move(point));
    }
    // On the front when nothing is both at most as large and better.
    for (auto& point : points)
        point.front = std::none_of(points.begin(), points.end(), [&](const auto& other) {
            return &other != &point && other.x <= point.x && other.y < point.y;
        });
    m_scatter->setAxis(plots::Axis::X,
                       bits ? tr("bits per weight, scales included") : tr("bytes of the weights"));
    m_scatter->setTickFormat(plots::Axis::X, bits ? plots::TickFormat::Plain : plots::TickFormat::Si);
    m_scatter->setLogarithmic(plots::Axis::X, true);
    m_scatter->setAxis(plots::Axis::Y, tr("loss"), tr("nats/token"));
    m_scatter->setPoints(std::move(points));
}

void ComparePage::showCurves() {
    m_curves->clear();
    const std::string tag = m_loss->current().toStdString();
    for (const auto& candidate : m_chosen) {
        const auto* run = m_runs.find(candidate.run);
        const auto* metrics = m_metrics->find(candidate.run);
        const auto* series = metrics == nullptr ? nullptr : metrics->find(tag);
        if (run == nullptr || series == nullptr) continue;
        m_curves->setSeries(key(candidate.run), QString::fromStdString(itemmodels::displayName(run->summary)),
                            shell::runColor(run->color), shell::runPenStyle(run->color));
        m_curves->setPoints(
            key(candidate.run),
            metrics->along(*series, itemmodels::Progress::Tokens, run->tokensPerStep.value_or(1)),
            series->values);
    }
    m_curves->setAxis(plots::Axis::X, tr("tokens"));
    m_curves->setTickFormat(plots::Axis::X, plots::TickFormat::Si);
    m_curves->setAxis(plots::Axis::Y, tr("loss"), tr("nats/token"));
}

void ComparePage::showChart() {
    const bool size = m_chart->current() == "size"_L1;
    m_plots->setCurrentIndex(size ? 0 : 1);
    m_size->setVisible(size);
    m_loss->setVisible(!size);
    m_chartCard->setSubtitle(size ? tr("against size") : tr("EMA 0.6"));
}

void ComparePage::showConfigs() {
    std::vector<itemmodels::ConfigDiffModel::Subject> subjects;
    std::set<std::string> seen;
    for (const auto& candidate : m_chosen) {
        const auto* run = m_runs.find(candidate.run);
        if (run == nullptr || !seen.insert(candidate.run).second) continue;
        subjects.push_back(
            {QString::fromStdString(itemmodels::displayName(run->summary)), run->color, run->summary.config});
    }
    m_configs->setSubjects(std::move(subjects));
    if (m_configs->columnCount() > 1)
        m_configCard->setSubtitle(
            tr("%1 of %n key(s) differ", nullptr, m_configs->keys()).arg(m_configs->differences()));
    else
        m_configCard->setSubtitle(tr("none of the chosen checkpoints comes from a run"));
}

void ComparePage::offerLayers() {
    const QString before = m_layersOf->currentData().toString();
    m_layersOf->clear();
    for (const auto& candidate : m_chosen)
        if (m_known[candidate.path].canBeAnalyzed) m_layersOf->addItem(candidate.label, candidate.path);
    m_layersOf->setVisible(m_layersOf->count() > 0);
    if (m_layersOf->count() == 0) {
        m_layersStack->setCurrentIndex(0);
        m_layersHint->setText(tr("Layers are analysed on weights that are not quantised yet"));
        return;
    }
    m_layersOf->setCurrentIndex(std::max(0, m_layersOf->findData(before)));
    analyze();
}

void ComparePage::analyze() {
    const QString path = m_layersOf->currentData().toString();
    if (path.isEmpty() || path == m_analyzed) return;
    m_analyzed = path;
    m_layersStack->setCurrentIndex(0);
    m_layersHint->setText(tr("Analysing layers …"));
    m_workspace.jobs().run<itemmodels::LayerGrid>(
        tr("Analysing the layers of %1").arg(m_layersOf->currentText()), this,
        [path = path.toStdString()](const shell::JobControl& control) -> base::Result<itemmodels::LayerGrid> {
            FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(path));
            return itemmodels::analyzeLayers(*checkpoint, control.task());
        },
        [this](base::Result<itemmodels::LayerGrid> grid) {
            if (grid)
                showLayers(*grid);
            else
                m_layersHint->setText(QString::fromStdString(grid.error().sentence()));
        },
        &m_analyzing);
}

void ComparePage::showLayers(const itemmodels::LayerGrid& grid) {
    m_grid->setGrid(grid.blocks, grid.projections, {{tr("W1"), grid.w1}, {tr("W2"), grid.w2}}, 1, tr("dB"),
                    true);
    m_layersStack->setCurrentIndex(1);
}

std::vector<QualityModel::TokenSet> ComparePage::wantedSets() const {
    if (!m_quality->tokenSets().empty()) return m_quality->tokenSets();
    return {heldOutRows(m_chosen, m_runs)};
}

std::vector<EvaluationOrder> ComparePage::missing() const {
    std::vector<EvaluationOrder> orders;
    for (int row = 0; row < m_quality->rowCount(); ++row) {
        const auto& candidate = m_chosen[static_cast<std::size_t>(row)];
        const auto known = m_known.find(candidate.path);
        if (known == m_known.end() || known->second.contentHash.empty()) continue;
        for (const auto& set : wantedSets())
            if (m_quality->evaluation(row, set) == nullptr)
                orders.push_back({candidate, known->second.mode, {set.tokens, set.key, set.maxRows}});
    }
    return orders;
}

void ComparePage::evaluateMissing() {
    m_evaluator->evaluate(missing());
}

void ComparePage::updateEvaluate() {
    const auto count = static_cast<int>(missing().size());
    m_evaluate->setText(m_evaluator->busy() ? tr("Cancel") : tr("Evaluate missing"));
    m_evaluate->setEnabled(m_evaluator->busy() || count > 0);
    m_evaluate->setToolTip(count > 0 ? tr("%n evaluation(s) to make", nullptr, count)
                                     : tr("Nothing is missing"));
}

void ComparePage::copyMarkdown() {
    QString text = m_table->text(shell::TableView::Format::Markdown);
    if (m_configs->columnCount() > 1) text += u'\n' + m_configTable->text(shell::TableView::Format::Markdown);
    QGuiApplication::clipboard()->setText(text);
    m_workspace.notify(tr("The tables are on the clipboard as Markdown"));
}

} // namespace fairy2::pages
