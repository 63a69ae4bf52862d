// SPDX-License-Identifier: Apache-2.0
#include "dialogs/checkpointchooser.h"

#include "models/candidatesmodel.h"
#include "pages/candidatestore.h"
#include "pages/checkdelegate.h"
#include "shell/pickfile.h"
#include "shell/tableview.h"
#include "shell/workspace.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::dialogs {

CheckpointChooser::CheckpointChooser(shell::Workspace& workspace, itemmodels::CandidatesModel& candidates,
                                     QWidget* parent)
    : QDialog(parent) {
    setObjectName(u"checkpointChooser"_s);
    setWindowTitle(tr("Checkpoints to compare"));
    setAttribute(Qt::WA_DeleteOnClose);
    resize(560, 420);
    auto* table = new shell::TableView(tr("Checkpoints"), this);
    table->setObjectName(u"chooserTable"_s);
    table->setModel(&candidates);
    table->setItemDelegate(new pages::CheckDelegate(table));
    table->setSortingEnabled(false);
    table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    table->horizontalHeader()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    auto* hint = new QLabel(tr("Check two or more; Space switches the one under the cursor."), this);
    hint->setProperty("role", u"secondary"_s);
    auto* open = new QPushButton(tr("Open other…"), this);
    open->setObjectName(u"chooserOpen"_s);
    open->setAutoDefault(false);
    auto* done = new QPushButton(tr("Done"), this);
    done->setObjectName(u"chooserDone"_s);
    done->setProperty("role", u"primary"_s);
    done->setDefault(true);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(8);
    buttons->addWidget(open);
    buttons->addStretch(1);
    buttons->addWidget(done);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(12, 12, 12, 12);
    column->setSpacing(12);
    column->addWidget(hint);
    column->addWidget(table, 1);
    column->addLayout(buttons);
    connect(done, &QPushButton::clicked, this, &QDialog::accept);
    connect(open, &QPushButton::clicked, this, [this, &workspace, &candidates] {
        shell::PickFile::folder(this, u"model"_s, tr("Open a checkpoint"),
                                [&workspace, &candidates](const QString& path) {
                                    pages::CandidateStore::of(workspace).add(path);
                                    candidates.setChecked(path, true);
                                });
    });
}

} // namespace fairy2::dialogs
