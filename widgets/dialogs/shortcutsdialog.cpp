// SPDX-License-Identifier: Apache-2.0
#include "dialogs/shortcutsdialog.h"

#include "shell/actionregistry.h"
#include "shell/ask.h"
#include "shell/celldelegate.h"
#include "shell/tableheader.h"
#include "shell/theme.h"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QKeySequenceEdit>
#include <QLabel>
#include <QPushButton>
#include <QTableWidget>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::dialogs {

ShortcutsDialog::ShortcutsDialog(shell::ActionRegistry& actions, QWidget* parent)
    : QDialog(parent), m_actions(actions), m_table(new QTableWidget(0, 3)) {
    setObjectName(u"shortcutsDialog"_s);
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("Shortcuts"));
    m_table->setObjectName(u"shortcutsTable"_s);
    m_table->setAccessibleName(windowTitle());
    m_table->setHorizontalHeader(new shell::TableHeader(m_table));
    m_table->setHorizontalHeaderLabels({tr("command"), tr("group"), tr("shortcut")});
    m_table->setItemDelegate(new shell::CellDelegate(this));
    m_table->setFont(shell::Theme::font(shell::TextSize::Table));
    m_table->setShowGrid(false);
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setMinimumSectionSize(21);
    m_table->verticalHeader()->setDefaultSectionSize(21);
    m_table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_table->setTabKeyNavigation(false);
    fill();
    connect(m_table, &QTableWidget::cellActivated, this, &ShortcutsDialog::edit);
    auto* hint = new QLabel(tr("Double-click a command, then press the keys. Pages take Ctrl+1 to Ctrl+5."));
    hint->setProperty("role", u"secondary"_s);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    auto* reset = buttons->addButton(tr("Restore defaults"), QDialogButtonBox::ResetRole);
    reset->setObjectName(u"resetShortcuts"_s);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::close);
    connect(reset, &QPushButton::clicked, this, [this] {
        // All off first, so that swapped shortcuts do not block each other.
        for (auto* action : m_actions.actions())
            m_actions.setShortcut(action, {});
        for (auto* action : m_actions.actions())
            m_actions.setShortcut(action, m_actions.defaultShortcut(action));
        fill();
    });
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(12, 12, 12, 12);
    column->addWidget(m_table, 1);
    column->addWidget(hint);
    column->addWidget(buttons);
    resize(560, 560);
}

void ShortcutsDialog::fill() {
    const auto& all = m_actions.actions();
    m_table->setRowCount(static_cast<int>(all.size()));
    for (int row = 0; row < m_table->rowCount(); ++row) {
        const QString cells[] = {all[row]->text().remove(u'&'), m_actions.category(all[row]),
                                 all[row]->shortcut().toString(QKeySequence::NativeText)};
        for (int c = 0; c < 3; ++c)
            m_table->setItem(row, c, new QTableWidgetItem(cells[c]));
    }
    m_table->resizeColumnToContents(1);
    m_table->setColumnWidth(2, 140);
}

void ShortcutsDialog::edit(int row) {
    auto* action = m_actions.actions()[row];
    auto* field = new QKeySequenceEdit(action->shortcut(), m_table);
    field->setAccessibleName(tr("New shortcut of %1").arg(action->text()));
    m_table->setCellWidget(row, 2, field);
    field->setFocus();
    connect(field, &QKeySequenceEdit::editingFinished, this, [this, row, action, field] {
        field->disconnect(this);
        const bool free = m_actions.setShortcut(action, field->keySequence());
        m_table->removeCellWidget(row, 2);
        fill();
        if (!free)
            shell::Ask::tell(this, tr("Shortcuts"),
                             tr("Another command has this shortcut; change that one first."));
    });
}

} // namespace fairy2::dialogs
