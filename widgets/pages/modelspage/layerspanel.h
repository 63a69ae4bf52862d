// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/card.h"

class QLineEdit;

namespace fairy2::itemmodels {
class LayersFilter;
class LayersModel;
} // namespace fairy2::itemmodels

namespace fairy2::shell {
class Pill;
class TableView;
} // namespace fairy2::shell

namespace fairy2::pages {

/// The layer table with its filter; says by what it is ordered.
class LayersPanel : public shell::Card {
    Q_OBJECT
public:
    explicit LayersPanel(itemmodels::LayersModel& model, QWidget* parent = nullptr);

    /// The row of the model, −1 when none is selected.
    [[nodiscard]] int currentLayer() const;
    void selectLayer(int layer);
    /// Orders by Δloss when it is known, else by SQNR, worst first, unless the user has chosen an order.
    void sortWorstFirst();
    /// Another model: counts, columns and order start afresh.
    void modelReplaced();
    [[nodiscard]] shell::TableView& table() { return *m_table; }

signals:
    void layerChosen(int layer);

private:
    void showColumns();
    void showOrder();

    itemmodels::LayersModel& m_model;
    itemmodels::LayersFilter* m_filter;
    QLineEdit* m_pattern;
    shell::TableView* m_table;
    shell::Pill* m_order;
    bool m_userSorted = false;
};

} // namespace fairy2::pages
