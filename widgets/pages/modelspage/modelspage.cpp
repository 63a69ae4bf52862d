// SPDX-License-Identifier: Apache-2.0
#include "pages/modelspage/modelspage.h"

#include "shell/actionregistry.h"
#include "shell/emptystate.h"
#include "shell/workspace.h"

#include <QPushButton>
#include <QStackedLayout>

using namespace Qt::StringLiterals;

namespace fairy2::pages {

ModelsPage::ModelsPage(shell::Workspace& workspace, QWidget* parent)
    : Page(parent), m_workspace(workspace), m_stack(new QStackedLayout(this)) {
    m_stack->addWidget(makeEmptyState());
    connect(&workspace, &shell::Workspace::checkpointChanged, this, &Page::breadcrumbChanged);
}

QString ModelsPage::breadcrumb() const {
    const auto& checkpoint = m_workspace.checkpoint();
    return checkpoint == nullptr ? tr("no model open") : QString::fromStdString(checkpoint->displayName());
}

shell::EmptyState* ModelsPage::makeEmptyState() {
    auto* empty = new shell::EmptyState(tr("Open a model to see its weights"),
                                        tr("A Hugging Face folder, a training checkpoint or a packed file: "
                                           "drop it here, or open it. You will see every "
                                           "linear layer on the phase plane, what each residual stage "
                                           "leaves, and what quantising it costs."));
    auto& actions = m_workspace.actions();
    connect(empty->addButton(tr("Open model…"), u"emptyOpen"_s, true), &QPushButton::clicked,
            actions.find(u"file.open"_s), &QAction::trigger);
    connect(empty->addButton(tr("Open the bundled demo"), u"emptyDemo"_s), &QPushButton::clicked,
            &m_workspace, &shell::Workspace::openDemo);
    return empty;
}

} // namespace fairy2::pages
