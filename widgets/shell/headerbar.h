// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>

class QHBoxLayout;
class QMenu;
class QPushButton;

namespace fairy2::shell {

class ElidedLabel;

/// The top line: product (opens the menu), where we are, palette field, buttons.
class HeaderBar : public QFrame {
    Q_OBJECT
public:
    explicit HeaderBar(QWidget* parent = nullptr);
    void setMenu(QMenu* menu);
    void setBreadcrumb(const QString& text);
    QPushButton* addButton(const QString& text, const QString& objectName, bool primary = false);
    [[nodiscard]] QPushButton* searchField() const { return m_search; }

private:
    QPushButton* m_product;
    ElidedLabel* m_breadcrumb;
    QPushButton* m_search;
    QHBoxLayout* m_row;
};

} // namespace fairy2::shell
