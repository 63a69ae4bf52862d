// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDialog>

class QTableWidget;

namespace fairy2::shell {
class ActionRegistry;
}

namespace fairy2::dialogs {

/// Every command with its shortcut; a double click or Enter on a row changes it.
class ShortcutsDialog : public QDialog {
    Q_OBJECT
public:
    ShortcutsDialog(shell::ActionRegistry& actions, QWidget* parent);

private:
    void fill();
    void edit(int row);

    shell::ActionRegistry& m_actions;
    QTableWidget* m_table;
};

} // namespace fairy2::dialogs
