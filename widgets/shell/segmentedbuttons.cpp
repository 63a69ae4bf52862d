// SPDX-License-Identifier: Apache-2.0
#include "shell/segmentedbuttons.h"

#include <QButtonGroup>
#include <QHBoxLayout>
#include <QToolButton>

namespace fairy2::shell {
namespace {

QAbstractButton* optionOf(const QButtonGroup& group, const QString& id) {
    for (auto* button : group.buttons())
        if (button->objectName() == id) return button;
    return nullptr;
}

} // namespace

SegmentedButtons::SegmentedButtons(const QString& name, QWidget* parent)
    : QFrame(parent), m_group(new QButtonGroup(this)), m_row(new QHBoxLayout(this)) {
    setAccessibleName(name);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    m_row->setContentsMargins(0, 0, 0, 0);
    m_row->setSpacing(0);
    m_group->setExclusive(true);
    connect(m_group, &QButtonGroup::buttonClicked, this,
            [this](QAbstractButton* button) { emit chosen(button->objectName()); });
}

void SegmentedButtons::addOption(const QString& id, const QString& text, const QString& toolTip) {
    auto* button = new QToolButton(this);
    button->setObjectName(id);
    button->setText(text);
    button->setToolTip(toolTip);
    button->setAccessibleName(text);
    button->setCheckable(true);
    button->setChecked(m_group->buttons().isEmpty());
    button->setFocusPolicy(Qt::TabFocus);
    m_group->addButton(button);
    m_row->addWidget(button);
}

void SegmentedButtons::clear() {
    for (auto* button : m_group->buttons())
        delete button;
}

QString SegmentedButtons::current() const {
    const auto* button = m_group->checkedButton();
    return button == nullptr ? QString() : button->objectName();
}

void SegmentedButtons::setCurrent(const QString& id) {
    if (auto* button = optionOf(*m_group, id)) button->setChecked(true);
}

void SegmentedButtons::setOptionEnabled(const QString& id, bool enabled, const QString& whyNot) {
    auto* button = optionOf(*m_group, id);
    if (button == nullptr) return;
    button->setEnabled(enabled);
    button->setToolTip(enabled ? QString() : whyNot);
}

} // namespace fairy2::shell
