// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QWidget>

class QHBoxLayout;
class QLabel;
class QPushButton;

namespace fairy2::shell {

/// What an empty page shows: what will be here, and the buttons that fill it.
class EmptyState : public QWidget {
    Q_OBJECT
public:
    EmptyState(const QString& title, const QString& text, QWidget* parent = nullptr);
    void setTitle(const QString& title);
    void setText(const QString& text);
    /// The first button is usually the primary one. The caller connects it.
    QPushButton* addButton(const QString& text, const QString& objectName, bool primary = false);

private:
    QLabel* m_title;
    QLabel* m_text;
    QHBoxLayout* m_buttons;
};

} // namespace fairy2::shell
