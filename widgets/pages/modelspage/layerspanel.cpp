// SPDX-License-Identifier: Apache-2.0
#include "pages/modelspage/layerspanel.h"

#include "models/layersmodel.h"
#include "shell/format.h"
#include "shell/pill.h"
#include "shell/tableview.h"

#include <QHeaderView>
#include <QLineEdit>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::pages {

using itemmodels::LayersModel;

LayersPanel::LayersPanel(LayersModel& model, QWidget* parent)
    : Card(tr("Layers"), parent), m_model(model), m_filter(new itemmodels::LayersFilter(this)),
      m_pattern(new QLineEdit), m_table(new shell::TableView(tr("Layers"))),
      m_order(new shell::Pill(tr("model order"), shell::Tone::Accent)) {
    setObjectName(u"layersPanel"_s);
    m_filter->setSourceModel(&model);
    m_pattern->setObjectName(u"layerFilter"_s);
    m_pattern->setPlaceholderText(tr("Filter layers, e.g. *.mlp.*"));
    m_pattern->setAccessibleName(tr("Filter layers"));
    m_pattern->setClearButtonEnabled(true);
    m_table->setObjectName(u"layerTable"_s);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setModel(m_filter);
    m_table->sortByColumn(-1, Qt::AscendingOrder);
    m_table->horizontalHeader()->setSectionResizeMode(LayersModel::Name, QHeaderView::Stretch);
    addHeaderWidget(m_order);

    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 8, 0, 0);
    column->setSpacing(4);
    auto* inset = new QHBoxLayout;
    inset->setContentsMargins(12, 0, 12, 0);
    inset->addWidget(m_pattern);
    column->addLayout(inset);
    column->addWidget(m_table, 1);
    setContent(body);

    connect(m_pattern, &QLineEdit::textChanged, m_filter, &itemmodels::LayersFilter::setPattern);
    connect(m_table->horizontalHeader(), &QHeaderView::sectionClicked, this, [this] { m_userSorted = true; });
    connect(m_table->horizontalHeader(), &QHeaderView::sortIndicatorChanged, this, &LayersPanel::showOrder);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& now) {
                if (now.isValid()) emit layerChosen(m_filter->mapToSource(now).row());
            });
    connect(&model, &QAbstractItemModel::dataChanged, this, &LayersPanel::showColumns);
    modelReplaced();
}

int LayersPanel::currentLayer() const {
    const QModelIndex current = m_table->currentIndex();
    return current.isValid() ? m_filter->mapToSource(current).row() : -1;
}

void LayersPanel::selectLayer(int layer) {
    const QModelIndex row = m_filter->mapFromSource(m_model.index(layer, 0));
    if (!row.isValid()) return;
    m_table->selectRow(row.row());
    m_table->scrollTo(row);
}

void LayersPanel::sortWorstFirst() {
    if (m_userSorted) {
        m_filter->sort(m_filter->sortColumn(), m_filter->sortOrder());
    } else if (m_model.hasCosts()) {
        m_table->sortByColumn(m_model.cost(0, 1) ? LayersModel::DeltaLossW1 : LayersModel::DeltaLossW2,
                              Qt::DescendingOrder);
    } else if (m_model.hasReports()) {
        m_table->sortByColumn(LayersModel::SqnrW2, Qt::AscendingOrder);
    }
    showOrder();
    if (const QModelIndex current = m_table->currentIndex(); current.isValid()) m_table->scrollTo(current);
}

void LayersPanel::modelReplaced() {
    m_userSorted = false;
    m_table->sortByColumn(-1, Qt::AscendingOrder);
    std::int64_t weights = 0;
    int quantizable = 0;
    for (const auto& layer : m_model.layers()) {
        // The head stays in full precision unless a recipe asks for it by name.
        if (!layer.quantizable || layer.name == "lm_head") continue;
        weights += layer.rows * layer.cols;
        ++quantizable;
    }
    const int kept = static_cast<int>(m_model.layers().size()) - quantizable;
    QString subtitle =
        tr("%n linear(s)", nullptr, quantizable) + u" · "_s + tr("%1 weights").arg(shell::countText(weights));
    if (kept > 0) subtitle += u" · "_s + tr("%n kept", nullptr, kept);
    setSubtitle(m_model.layers().empty() ? QString() : subtitle);
    showColumns();
    showOrder();
}

void LayersPanel::showColumns() {
    const bool costs = m_model.hasCosts();
    m_table->setColumnHidden(LayersModel::DeltaLossW1, !costs);
    m_table->setColumnHidden(LayersModel::DeltaLossW2, !costs);
    // With Δloss known there is room for one SQNR only; W2 is the one that the drawings of the method use.
    m_table->setColumnHidden(LayersModel::SqnrW1, costs);
    for (int c = LayersModel::Shape; c < LayersModel::Columns; ++c)
        if (c != LayersModel::Shape) m_table->setColumnWidth(c, costs ? 78 : 70);
    m_table->fitColumn(LayersModel::Shape);
}

void LayersPanel::showOrder() {
    switch (m_table->horizontalHeader()->sortIndicatorSection()) {
    case LayersModel::DeltaLossW1:
    case LayersModel::DeltaLossW2:
        m_order->set(tr("by Δloss"), shell::Tone::Accent);
        break;
    case LayersModel::SqnrW1:
    case LayersModel::SqnrW2:
        m_order->set(tr("by SQNR"), shell::Tone::Accent);
        m_order->setToolTip(
            tr("Weight error does not say what hurts: measure the sensitivity to order by Δloss"));
        return;
    case LayersModel::Shape:
        m_order->set(tr("by size"), shell::Tone::Accent);
        break;
    default:
        m_order->set(tr("model order"), shell::Tone::Accent);
        break;
    }
    m_order->setToolTip({});
}

} // namespace fairy2::pages
