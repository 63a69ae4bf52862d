// SPDX-License-Identifier: Apache-2.0
#include "pages/modelspage/modelspage.h"

#include "models/layersmodel.h"
#include "pages/modelspage/detailpanel.h"
#include "pages/modelspage/layeranalysis.h"
#include "pages/modelspage/layerspanel.h"
#include "pages/modelspage/phasepanel.h"
#include "plots/densityplot.h"
#include "plots/ladderplot.h"
#include "shell/actionregistry.h"
#include "shell/card.h"
#include "shell/emptystate.h"
#include "shell/format.h"
#include "shell/settings.h"
#include "shell/tableview.h"
#include "shell/workspace.h"

#include <QPushButton>
#include <QSettings>
#include <QSplitter>
#include <QStackedLayout>

#include <algorithm>
#include <map>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

QString capitalized(QString text) {
    if (!text.isEmpty()) text[0] = text[0].toUpper();
    return text;
}

// The dtype that most stored bytes have.
QString mainDtype(const models::Checkpoint& checkpoint) {
    std::map<tensors::DType, std::uint64_t> bytes;
    for (const auto& tensor : checkpoint.tensors())
        bytes[tensor.dtype] += tensor.bytes;
    const auto most = std::max_element(bytes.begin(), bytes.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == bytes.end() ? QString() : QString::fromLatin1(tensors::name(most->first)).toLower();
}

QString kindText(models::CheckpointKind kind) {
    switch (kind) {
    case models::CheckpointKind::HuggingFace:
        return {};
    case models::CheckpointKind::Master:
        return ModelsPage::tr("training checkpoint");
    case models::CheckpointKind::Baked:
        return ModelsPage::tr("baked, already quantised");
    case models::CheckpointKind::Packed:
        return ModelsPage::tr("packed, already quantised");
    }
    return {};
}

// A splitter that remembers its sizes under a name.
QSplitter* makeSplitter(Qt::Orientation orientation, const QString& name) {
    auto* splitter = new QSplitter(orientation);
    splitter->setObjectName(name);
    splitter->setHandleWidth(12);
    splitter->setChildrenCollapsible(false);
    const QString key = u"layout/splitter/"_s + name;
    QObject::connect(splitter, &QSplitter::splitterMoved, splitter,
                     [splitter, key] { shell::settings().setValue(key, splitter->saveState()); });
    return splitter;
}

void restore(QSplitter& splitter, const QList<int>& sizes) {
    splitter.setSizes(sizes);
    splitter.restoreState(
        shell::settings().value(u"layout/splitter/"_s + splitter.objectName()).toByteArray());
}

} // namespace

ModelsPage::ModelsPage(shell::Workspace& workspace, QWidget* parent)
    : Page(parent), m_workspace(workspace), m_stack(new QStackedLayout(this)),
      m_layers(new itemmodels::LayersModel(this)), m_analysis(new LayerAnalysis(workspace.jobs(), this)) {
    m_stack->addWidget(makeEmptyState());
    connect(&workspace, &shell::Workspace::checkpointChanged, this, &ModelsPage::showCheckpoint);
    connect(m_analysis, &LayerAnalysis::reset, this, &ModelsPage::restart);
    connect(m_analysis, &LayerAnalysis::reportReady, this, &ModelsPage::showReport);
    connect(m_analysis, &LayerAnalysis::completed, this, [this] {
        for (int layer = 0; layer < m_layers->rowCount(); ++layer)
            showReport(layer);
        m_layersPanel->sortWorstFirst();
        m_detail->refreshScatter();
    });
    if (workspace.checkpoint() != nullptr) showCheckpoint();
}

ModelsPage::~ModelsPage() = default;

QString ModelsPage::breadcrumb() const {
    const auto& checkpoint = m_workspace.checkpoint();
    if (checkpoint == nullptr) return tr("no model open");
    const auto& spec = checkpoint->spec();
    QStringList parts{capitalized(QString::fromLatin1(models::name(spec.family))),
                      tr("%1 parameters").arg(shell::countText(spec.parameters())), mainDtype(*checkpoint)};
    if (const QString kind = kindText(checkpoint->kind()); !kind.isEmpty()) parts.append(kind);
    return QString::fromStdString(checkpoint->displayName()) + u"  ›  "_s + parts.join(u" · "_s);
}

QWidget* ModelsPage::makeEmptyState() {
    auto* card = new shell::Card(tr("Models"));
    m_empty = new shell::EmptyState(
        tr("Open a model to see its weights"),
        tr("A Hugging Face folder, a training checkpoint or a packed file: drop it here, or open "
           "it. You will see every linear layer on the phase plane, what each residual stage "
           "leaves, and what quantising it costs."));
    const auto& actions = m_workspace.actions();
    connect(m_empty->addButton(tr("Open model…"), u"emptyOpen"_s, true), &QPushButton::clicked,
            actions.find(u"file.open"_s), &QAction::trigger);
    connect(m_empty->addButton(tr("Open the bundled demo"), u"emptyDemo"_s), &QPushButton::clicked,
            &m_workspace, &shell::Workspace::openDemo);
    connect(m_empty->addButton(tr("What is W2?"), u"emptyHelp"_s), &QPushButton::clicked,
            actions.find(u"help.w2"_s), &QAction::trigger);
    card->setContent(m_empty);
    return card;
}

QWidget* ModelsPage::makeContent() {
    m_layersPanel = new LayersPanel(*m_layers);
    m_phase = new PhasePanel(m_workspace.jobs());
    m_ladder = new plots::LadderPlot(tr("Residual ladder"));
    m_ladder->setObjectName(u"ladderPlot"_s);
    m_detail = new DetailPanel(*m_layers);
    auto* ladder = new shell::Card(tr("Residual ladder"));
    ladder->setSubtitle(tr("energy left, log scale"));
    ladder->setContent(m_ladder);

    auto* across = makeSplitter(Qt::Horizontal, u"models"_s);
    auto* down = makeSplitter(Qt::Vertical, u"modelsRight"_s);
    auto* below = makeSplitter(Qt::Horizontal, u"modelsBelow"_s);
    below->addWidget(ladder);
    below->addWidget(m_detail);
    down->addWidget(m_phase);
    down->addWidget(below);
    across->addWidget(m_layersPanel);
    across->addWidget(down);
    across->setStretchFactor(1, 1);
    down->setStretchFactor(0, 1);
    restore(*below, {460, 390});
    restore(*down, {485, 274});
    restore(*across, {470, 862});

    connect(m_layersPanel, &LayersPanel::layerChosen, this, &ModelsPage::showLayer);
    connect(m_ladder, &plots::LadderPlot::layerClicked, m_layersPanel, &LayersPanel::selectLayer);
    connect(m_detail, &DetailPanel::layerClicked, m_layersPanel, &LayersPanel::selectLayer);
    connect(m_phase, &PhasePanel::scaleChosen, m_analysis, &LayerAnalysis::setScale);
    connect(m_phase, &PhasePanel::stageChosen, m_detail, &DetailPanel::setStage);
    return across;
}

void ModelsPage::showCheckpoint() {
    if (m_layersPanel == nullptr) m_stack->addWidget(makeContent());
    m_stack->setCurrentIndex(1);
    const auto& checkpoint = m_workspace.checkpoint();
    m_layer = -1;
    m_phase->setCheckpoint(checkpoint);
    m_layers->setLayers(checkpoint->linears());
    m_layersPanel->modelReplaced();
    m_detail->setReport(-1, std::nullopt);
    m_analysis->setCheckpoint(checkpoint);
    const auto& linears = checkpoint->linears();
    const auto first =
        std::find_if(linears.begin(), linears.end(), [](const auto& l) { return l.quantizable; });
    if (first != linears.end()) m_layersPanel->selectLayer(static_cast<int>(first - linears.begin()));
    emit breadcrumbChanged();
}

// The analysis starts over, for another model or granularity: nothing of the former may stay.
void ModelsPage::restart() {
    QStringList names;
    std::vector<int> blocks;
    for (const auto& layer : m_layers->layers()) {
        names.append(itemmodels::LayersModel::shortName(layer.name));
        blocks.push_back(itemmodels::LayersModel::blockOf(layer.name));
    }
    m_layers->clearReports();
    m_ladder->setLayers(names, blocks);
    m_ladder->setSelected(m_layer);
    m_detail->setReport(m_layer, std::nullopt);
    m_detail->refreshScatter();
}

void ModelsPage::showLayer(int layer) {
    m_layer = layer;
    m_phase->setLayer(layer);
    m_ladder->setSelected(layer);
    showReport(layer);
}

void ModelsPage::showReport(int layer) {
    const auto* report = m_analysis->report(layer);
    if (report != nullptr) {
        m_layers->setReport(layer, *report);
        std::vector<double> energies;
        for (const auto& stage : report->stages)
            energies.push_back(stage.residualEnergy);
        m_ladder->setEnergy(layer, energies);
    }
    if (layer == m_layer)
        m_detail->setReport(layer, report == nullptr ? std::nullopt : std::optional(*report));
}

} // namespace fairy2::pages
