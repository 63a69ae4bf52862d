// SPDX-License-Identifier: Apache-2.0
#include "shell/noticebar.h"

#include "shell/elidedlabel.h"
#include "shell/theme.h"

#include <QHBoxLayout>
#include <QToolButton>

using namespace Qt::StringLiterals;

namespace fairy2::shell {

NoticeBar::NoticeBar(QWidget* parent) : QFrame(parent), m_text(new ElidedLabel) {
    setObjectName(u"noticeBar"_s);
    auto* close = new QToolButton;
    close->setObjectName(u"dismissNotice"_s);
    close->setAccessibleName(tr("Dismiss"));
    close->setToolTip(tr("Dismiss"));
    close->setProperty("role", u"icon"_s);
    close->setIcon(Theme::instance().icon(u"close"_s));
    connect(&Theme::instance(), &Theme::changed, close,
            [close] { close->setIcon(Theme::instance().icon(u"close"_s)); });
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 4, 8, 4);
    row->addWidget(m_text, 1);
    row->addWidget(close);
    connect(close, &QToolButton::clicked, this, &QWidget::hide);
    hide();
}

void NoticeBar::show(const QString& text) {
    m_text->setText(text);
    setVisible(true);
}

QString NoticeBar::text() const {
    return m_text->text();
}

} // namespace fairy2::shell
