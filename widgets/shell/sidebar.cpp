// SPDX-License-Identifier: Apache-2.0
#include "shell/sidebar.h"

#include "shell/theme.h"

#include <QButtonGroup>
#include <QToolButton>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr int kWidth = 72;
constexpr int kButtonHeight = 60;
constexpr auto kIcon = "iconName";

} // namespace

SideBar::SideBar(QWidget* parent)
    : QFrame(parent), m_buttons(new QButtonGroup(this)), m_column(new QVBoxLayout(this)) {
    setObjectName(u"sideBar"_s);
    setAccessibleName(tr("Pages"));
    setFixedWidth(kWidth);
    m_column->setContentsMargins(0, 8, 1, 8);
    m_column->setSpacing(0);
    m_column->addStretch();
    m_buttons->setExclusive(true);
    connect(m_buttons, &QButtonGroup::buttonClicked, this,
            [this](QAbstractButton* button) { emit chosen(button->property("page").toString()); });
    connect(&Theme::instance(), &Theme::changed, this, &SideBar::tintIcons);
}

void SideBar::addPage(const QString& id, const QString& title, const QString& icon, const QString& toolTip) {
    auto* button = new QToolButton(this);
    button->setObjectName(u"page."_s + id);
    button->setProperty("page", id);
    button->setProperty(kIcon, icon);
    button->setText(title);
    button->setAccessibleName(title);
    button->setToolTip(toolTip);
    button->setIcon(Theme::instance().icon(icon));
    button->setIconSize({20, 20});
    button->setToolButtonStyle(Qt::ToolButtonTextUnderIcon);
    button->setCheckable(true);
    button->setFocusPolicy(Qt::TabFocus);
    button->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    button->setFixedHeight(kButtonHeight);
    m_buttons->addButton(button);
    m_column->insertWidget(m_column->count() - 1, button);
}

void SideBar::setCurrent(const QString& id) {
    for (auto* button : m_buttons->buttons())
        if (button->property("page").toString() == id) button->setChecked(true);
}

void SideBar::tintIcons() {
    for (auto* button : m_buttons->buttons())
        button->setIcon(Theme::instance().icon(button->property(kIcon).toString()));
}

} // namespace fairy2::shell
