// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>

class QButtonGroup;
class QToolButton;
class QVBoxLayout;

namespace fairy2::shell {

/// The left bar: one button a page.
class SideBar : public QFrame {
    Q_OBJECT
public:
    explicit SideBar(QWidget* parent = nullptr);
    void addPage(const QString& id, const QString& title, const QString& icon, const QString& toolTip);
    void setCurrent(const QString& id);

signals:
    void chosen(const QString& id);

private:
    void tintIcons();

    QButtonGroup* m_buttons;
    QVBoxLayout* m_column;
};

} // namespace fairy2::shell
