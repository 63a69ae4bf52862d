// SPDX-License-Identifier: Apache-2.0
#include "shell/headerbar.h"

#include "shell/elidedlabel.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPushButton>

using namespace Qt::StringLiterals;

namespace fairy2::shell {

HeaderBar::HeaderBar(QWidget* parent)
    : QFrame(parent), m_product(new QPushButton(u"Fairy2"_s)), m_breadcrumb(new ElidedLabel),
      m_search(new QPushButton), m_row(new QHBoxLayout(this)) {
    setObjectName(u"headerBar"_s);
    setFixedHeight(40);
    m_product->setObjectName(u"product"_s);
    m_product->setProperty("role", u"product"_s);
    m_product->setAccessibleName(tr("Fairy2 menu"));
    m_product->setToolTip(tr("Menu (F10)"));
    m_breadcrumb->setObjectName(u"breadcrumb"_s);
    m_breadcrumb->setProperty("role", u"secondary"_s);
    m_breadcrumb->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    m_search->setObjectName(u"palette"_s);
    m_search->setProperty("role", u"search"_s);
    m_search->setAccessibleName(tr("Command palette"));
    m_search->setFixedWidth(320);

    // A button that looks like a field: its shortcut stands at the right as in the palette itself.
    auto* inside = new QHBoxLayout(m_search);
    inside->setContentsMargins(10, 0, 12, 0);
    for (const QString& text : {tr("Search actions, layers, runs …"), u"Ctrl+Shift+P"_s}) {
        auto* label = new QLabel(text);
        label->setProperty("role", u"secondary"_s);
        label->setAttribute(Qt::WA_TransparentForMouseEvents);
        if (inside->count() > 0) inside->addStretch();
        inside->addWidget(label);
    }

    m_row->setContentsMargins(8, 0, 12, 1);
    m_row->setSpacing(8);
    m_row->addWidget(m_product);
    m_row->addWidget(m_breadcrumb, 1);
    m_row->addWidget(m_search);
}

void HeaderBar::setMenu(QMenu* menu) {
    m_product->setMenu(menu);
}

void HeaderBar::setBreadcrumb(const QString& text) {
    m_breadcrumb->setText(text);
}

QPushButton* HeaderBar::addButton(const QString& text, const QString& objectName, bool primary) {
    auto* button = new QPushButton(text);
    button->setObjectName(objectName);
    button->setAccessibleName(text);
    if (primary) button->setProperty("role", u"primary"_s);
    m_row->addWidget(button);
    return button;
}

} // namespace fairy2::shell
