// SPDX-License-Identifier: Apache-2.0
#include "pages/runspage/runspage.h"

#include "models/roles.h"
#include "models/runsmodel.h"
#include "pages/candidatestore.h"
#include "pages/runspage/runcharts.h"
#include "pages/runspage/runpanel.h"
#include "pages/runstore.h"
#include "shell/card.h"
#include "shell/emptystate.h"
#include "shell/segmentedbuttons.h"
#include "shell/tableview.h"
#include "shell/workspace.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSplitter>
#include <QStackedLayout>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

using itemmodels::RunsModel;

constexpr int kGap = 12;
constexpr int kPanelWidth = 312;

} // namespace

RunsPage::RunsPage(shell::Workspace& workspace, QWidget* parent)
    : Page(parent), m_workspace(workspace), m_store(RunStore::of(workspace)), m_runs(new RunsModel(this)),
      m_shown(new itemmodels::RunsFilterModel(this)), m_stack(new QStackedLayout) {
    setObjectName(u"runsPage"_s);
    m_shown->setRuns(m_runs);

    auto* full = new QWidget(this);
    auto* split = new QSplitter(Qt::Vertical, full);
    split->setHandleWidth(kGap);
    split->setChildrenCollapsible(false);
    split->addWidget(makeTable());
    m_charts = new RunCharts(workspace, split);
    split->addWidget(m_charts);
    split->setStretchFactor(0, 2);
    split->setStretchFactor(1, 3);
    split->setSizes({260, 460});
    m_panel = new RunPanel(workspace, full);
    m_panel->setFixedWidth(kPanelWidth);
    auto* row = new QHBoxLayout(full);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(kGap);
    row->addWidget(split, 1);
    row->addWidget(m_panel);

    setLayout(m_stack);
    m_stack->addWidget(makeEmpty());
    m_stack->addWidget(full);

    connect(&m_store, &RunStore::changed, this, &RunsPage::showRuns);
    connect(&m_store, &RunStore::currentChanged, this, &RunsPage::selectCurrent);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& current) {
                if (current.isValid())
                    m_store.setCurrent(current.data(itemmodels::IdRole).toString().toStdString());
            });
    connect(m_charts, &RunCharts::runClicked, this,
            [this](const QString& uuid) { m_store.setCurrent(uuid.toStdString()); });
    for (const auto signal : {&QAbstractItemModel::rowsInserted, &QAbstractItemModel::rowsRemoved})
        connect(m_shown, signal, this, &RunsPage::updateCounts);
    showRuns();
}

QWidget* RunsPage::makeTable() {
    m_tableCard = new shell::Card(tr("Runs"), this);
    m_filter = new QLineEdit(m_tableCard);
    m_filter->setObjectName(u"runFilter"_s);
    m_filter->setAccessibleName(tr("Filter of the runs"));
    m_filter->setPlaceholderText(tr("Filter, e.g. state:finished cfg.stages>=1 NOT tag:old"));
    m_filter->setToolTip(tr("tag: state: name: note: model: with text, cfg.KEY loss val_loss bits speed step "
                            "progress with < <= = >= >, joined by AND, OR, NOT and parentheses"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setMinimumWidth(340);
    m_filterProblem = new QLabel(m_tableCard);
    m_filterProblem->setObjectName(u"runFilterProblem"_s);
    m_filterProblem->setProperty("tone", u"bad"_s);
    m_tableCard->addTitleWidget(m_filter);
    m_tableCard->addTitleWidget(m_filterProblem);

    auto* figure = new shell::SegmentedButtons(tr("Which value of a loss"), m_tableCard);
    figure->setObjectName(u"runFigure"_s);
    figure->addOption(u"last"_s, tr("last"));
    figure->addOption(u"best"_s, tr("best"));
    figure->setCurrent(u"last"_s);
    auto* archived = new QCheckBox(tr("archived"), m_tableCard);
    archived->setObjectName(u"showArchived"_s);
    archived->setToolTip(tr("Show archived runs too"));
    auto* compare = new QPushButton(tr("Compare"), m_tableCard);
    compare->setObjectName(u"compareRuns"_s);
    compare->setToolTip(tr("Compare the selected runs, or all that are shown"));
    m_tableCard->addHeaderWidget(archived);
    m_tableCard->addHeaderWidget(figure);
    m_tableCard->addHeaderWidget(compare);

    m_table = new shell::TableView(tr("Runs"), m_tableCard);
    m_table->setObjectName(u"runs"_s);
    m_table->setModel(m_shown);
    auto* header = m_table->horizontalHeader();
    header->setSectionResizeMode(QHeaderView::Interactive);
    header->setStretchLastSection(false);
    header->setSectionResizeMode(RunsModel::Name, QHeaderView::Stretch);
    const std::pair<RunsModel::Column, int> widths[] = {
        {RunsModel::State, 80},          {RunsModel::Bits, 60},     {RunsModel::Loss, 78},
        {RunsModel::ValidationLoss, 88}, {RunsModel::Progress, 84}, {RunsModel::Speed, 76},
        {RunsModel::Curve, 96},          {RunsModel::Tags, 90},     {RunsModel::Created, 104}};
    for (const auto& [column, width] : widths)
        m_table->setColumnWidth(column, width);
    m_table->sortByColumn(RunsModel::Created, Qt::DescendingOrder);
    m_tableCard->setContent(m_table);

    connect(m_filter, &QLineEdit::textChanged, this, &RunsPage::applyFilter);
    connect(figure, &shell::SegmentedButtons::chosen, this, [this](const QString& id) {
        m_runs->setFigure(id == "best"_L1 ? RunsModel::Figure::Best : RunsModel::Figure::Last);
    });
    connect(archived, &QCheckBox::toggled, this, [this](bool on) {
        m_shown->setShowArchived(on);
        showSelection();
    });
    connect(compare, &QPushButton::clicked, this, &RunsPage::compareSelected);
    return m_tableCard;
}

QWidget* RunsPage::makeEmpty() {
    auto* card = new shell::Card(tr("Runs"), this);
    auto* empty = new shell::EmptyState(tr("No runs yet"),
                                        tr("Every training run appears here with its curves, checkpoints and "
                                           "console, also those started from a "
                                           "terminal. The bundled demo trains in a minute."),
                                        this);
    auto* train = empty->addButton(tr("Choose what to train"), u"emptyTrain"_s, true);
    connect(train, &QPushButton::clicked, this, [this] { m_workspace.requestPage(u"train"_s); });
    card->setContent(empty);
    return card;
}

QString RunsPage::breadcrumb() const {
    const auto live = std::count_if(m_store.rows().begin(), m_store.rows().end(),
                                    [](const itemmodels::RunRow& row) { return row.live(); });
    return tr("%n run(s)", nullptr, static_cast<int>(m_store.rows().size())) +
           (live > 0 ? u" · "_s + tr("%n live", nullptr, static_cast<int>(live)) : QString());
}

void RunsPage::activate() {
    selectCurrent();
}

void RunsPage::showRuns() {
    m_runs->setRows(m_store.rows());
    m_stack->setCurrentIndex(m_store.rows().empty() ? 0 : 1);
    if (m_store.current().empty() && m_shown->rowCount() > 0)
        m_store.setCurrent(m_shown->index(0, 0).data(itemmodels::IdRole).toString().toStdString());
    selectCurrent();
    updateCounts();
    emit breadcrumbChanged();
}

void RunsPage::applyFilter(const QString& text) {
    auto filter = itemmodels::RunFilter::parse(text.toStdString());
    m_filterProblem->setText(filter ? QString() : QString::fromStdString(filter.error().message));
    m_filterProblem->setToolTip(filter ? QString() : QString::fromStdString(filter.error().hint));
    if (!filter) return;
    m_shown->setFilter(std::move(*filter));
    showSelection();
}

void RunsPage::updateCounts() {
    m_tableCard->setSubtitle(m_shown->rowCount() == m_runs->rowCount()
                                 ? QString()
                                 : tr("%1 of %2").arg(m_shown->rowCount()).arg(m_runs->rowCount()));
}

void RunsPage::selectCurrent() {
    const int row = m_runs->indexOf(m_store.current());
    const auto index = row < 0 ? QModelIndex() : m_shown->mapFromSource(m_runs->index(row, 0));
    if (index.isValid() && m_table->currentIndex().row() != index.row()) {
        m_table->setCurrentIndex(index);
        m_table->scrollTo(index);
    }
    showSelection();
}

void RunsPage::showSelection() {
    std::vector<std::string> shown;
    for (int row = 0; row < m_shown->rowCount(); ++row)
        shown.push_back(m_shown->index(row, 0).data(itemmodels::IdRole).toString().toStdString());
    m_charts->setRuns(std::move(shown), m_store.current());
    m_panel->setRun(m_store.find(m_store.current()));
}

void RunsPage::compareSelected() {
    auto rows = m_table->selectionModel()->selectedRows();
    if (rows.size() < 2) {
        rows.clear();
        for (int row = 0; row < m_shown->rowCount(); ++row)
            rows << m_shown->index(row, 0);
    }
    auto& candidates = CandidateStore::of(m_workspace);
    for (const auto& index : rows) {
        const auto* run = m_store.find(index.data(itemmodels::IdRole).toString().toStdString());
        if (run == nullptr || run->summary.checkpoints.empty()) continue;
        const auto latest = std::max_element(run->summary.checkpoints.begin(), run->summary.checkpoints.end(),
                                             [](const auto& a, const auto& b) { return a.step < b.step; });
        candidates.request(u"compare"_s, QString::fromStdString(latest->path.string()));
    }
    m_workspace.requestPage(u"compare"_s);
}

} // namespace fairy2::pages
