// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/page.h"

class QLabel;
class QLineEdit;
class QStackedLayout;

namespace fairy2::itemmodels {
class RunsFilterModel;
class RunsModel;
} // namespace fairy2::itemmodels
namespace fairy2::shell {
class Card;
class TableView;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::pages {

class RunCharts;
class RunPanel;
class RunStore;

/// All runs in a table with a filter, their curves as they grow, and the selected one in detail.
class RunsPage final : public shell::Page {
    Q_OBJECT
public:
    explicit RunsPage(shell::Workspace& workspace, QWidget* parent = nullptr);

    [[nodiscard]] QString breadcrumb() const override;
    void activate() override;

private:
    [[nodiscard]] QWidget* makeTable();
    [[nodiscard]] QWidget* makeEmpty();
    void showRuns();
    void applyFilter(const QString& text);
    void showSelection();
    void selectCurrent();
    void compareSelected();
    void updateCounts();

    shell::Workspace& m_workspace;
    RunStore& m_store;
    itemmodels::RunsModel* m_runs;
    itemmodels::RunsFilterModel* m_shown;
    QStackedLayout* m_stack;
    shell::Card* m_tableCard = nullptr;
    QLineEdit* m_filter = nullptr;
    QLabel* m_filterProblem = nullptr;
    shell::TableView* m_table = nullptr;
    RunCharts* m_charts = nullptr;
    RunPanel* m_panel = nullptr;
};

} // namespace fairy2::pages
