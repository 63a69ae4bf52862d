// SPDX-License-Identifier: Apache-2.0
#include "docks/docktitle.h"

#include "shell/theme.h"

#include <QDockWidget>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

using namespace Qt::StringLiterals;

namespace fairy2::docks {

DockTitle::DockTitle(QDockWidget* dock) : QFrame(dock) {
    auto* name = new QLabel(dock->windowTitle());
    name->setProperty("role", u"strong"_s);
    auto* hide = new QToolButton;
    hide->setObjectName(u"hideDock"_s);
    hide->setProperty("role", u"icon"_s);
    hide->setAccessibleName(tr("Hide %1").arg(dock->windowTitle()));
    hide->setToolTip(hide->accessibleName());
    const auto tint = [hide] { hide->setIcon(shell::Theme::instance().icon(u"close"_s)); };
    tint();
    connect(&shell::Theme::instance(), &shell::Theme::changed, hide, tint);
    connect(hide, &QToolButton::clicked, dock, &QDockWidget::close);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(12, 4, 6, 0);
    row->addWidget(name);
    row->addStretch();
    row->addWidget(hide);
}

} // namespace fairy2::docks
