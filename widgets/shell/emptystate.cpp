// SPDX-License-Identifier: Apache-2.0
#include "shell/emptystate.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::shell {

EmptyState::EmptyState(const QString& title, const QString& text, QWidget* parent)
    : QWidget(parent), m_title(new QLabel(title)), m_text(new QLabel(text)), m_buttons(new QHBoxLayout) {
    m_title->setProperty("role", u"strong"_s);
    m_title->setAlignment(Qt::AlignCenter);
    m_text->setProperty("role", u"secondary"_s);
    m_text->setAlignment(Qt::AlignCenter);
    m_text->setWordWrap(true);
    m_text->setMaximumWidth(440);
    m_buttons->setSpacing(8);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(24, 24, 24, 24);
    column->setSpacing(8);
    column->addStretch(2);
    column->addWidget(m_title);
    // Centred by stretches: an aligned item would not get the height that its wrapped lines need.
    auto* middle = new QHBoxLayout;
    middle->addStretch(1);
    middle->addWidget(m_text, 100);
    middle->addStretch(1);
    column->addLayout(middle);
    column->addSpacing(8);
    auto* row = new QHBoxLayout;
    row->addStretch();
    row->addLayout(m_buttons);
    row->addStretch();
    column->addLayout(row);
    column->addStretch(3);
}

void EmptyState::setTitle(const QString& title) {
    m_title->setText(title);
}

void EmptyState::setText(const QString& text) {
    m_text->setText(text);
}

QPushButton* EmptyState::addButton(const QString& text, const QString& objectName, bool primary) {
    auto* button = new QPushButton(text, this);
    button->setObjectName(objectName);
    button->setAccessibleName(text);
    if (primary) button->setProperty("role", u"primary"_s);
    m_buttons->addWidget(button);
    return button;
}

} // namespace fairy2::shell
