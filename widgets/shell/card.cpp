// SPDX-License-Identifier: Apache-2.0
#include "shell/card.h"

#include "shell/elidedlabel.h"
#include "shell/theme.h"

#include <QHBoxLayout>
#include <QPainter>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::shell {

Card::Card(const QString& title, QWidget* parent)
    : QFrame(parent), m_header(new QHBoxLayout), m_body(new QVBoxLayout), m_title(new ElidedLabel(title)),
      m_subtitle(new ElidedLabel), m_titleExtras(new QHBoxLayout), m_switches(new QHBoxLayout) {
    setAccessibleName(title);
    m_title->setProperty("role", u"strong"_s);
    m_subtitle->setProperty("role", u"secondary"_s);
    m_subtitle->setVisible(false);
    // The title keeps its width as long as it can; the subtitle shortens first.
    m_title->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    m_subtitle->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    m_titleExtras->setSpacing(8);
    m_switches->setSpacing(8);
    m_header->setContentsMargins(12, 0, 12, 0);
    m_header->setSpacing(8);
    m_header->addWidget(m_title);
    m_header->addLayout(m_titleExtras);
    m_header->addWidget(m_subtitle, 1);
    m_header->addStretch(0);
    m_header->addLayout(m_switches);

    auto* headerWidget = new QWidget(this);
    headerWidget->setLayout(m_header);
    headerWidget->setMinimumHeight(36);
    m_body->setContentsMargins(1, 1, 1, 1);
    m_body->setSpacing(0);
    m_body->addWidget(headerWidget);
    m_body->addWidget(new Hairline(Qt::Horizontal, this));
    setLayout(m_body);
}

void Card::setTitle(const QString& title) {
    m_title->setText(title);
    setAccessibleName(title);
}

void Card::setSubtitle(const QString& subtitle) {
    m_subtitle->setText(subtitle);
    m_subtitle->setVisible(!subtitle.isEmpty());
}

QString Card::title() const {
    return m_title->text();
}

QString Card::subtitle() const {
    return m_subtitle->text();
}

void Card::addHeaderWidget(QWidget* widget) {
    m_switches->addWidget(widget, 0, Qt::AlignVCenter);
}

void Card::addTitleWidget(QWidget* widget, int stretch) {
    m_titleExtras->addWidget(widget, stretch, Qt::AlignVCenter);
}

void Card::setContent(QWidget* content, int padding) {
    delete m_content;
    m_content = content;
    if (padding == 0) {
        m_body->addWidget(content, 1);
        return;
    }
    auto* frame = new QWidget(this);
    auto* layout = new QVBoxLayout(frame);
    layout->setContentsMargins(padding, padding, padding, padding);
    layout->addWidget(content);
    m_content = frame;
    m_body->addWidget(frame, 1);
}

Hairline::Hairline(Qt::Orientation orientation, QWidget* parent) : QFrame(parent) {
    if (orientation == Qt::Horizontal) setFixedHeight(1);
    if (orientation == Qt::Vertical) setFixedWidth(1);
}

void Hairline::paintEvent(QPaintEvent*) {
    QPainter(this).fillRect(rect(), Theme::instance().colors().line);
}

} // namespace fairy2::shell
