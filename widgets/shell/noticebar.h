// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>

namespace fairy2::shell {

class ElidedLabel;

/// A sentence below the header until the user dismisses it; never a dialog that interrupts.
class NoticeBar : public QFrame {
    Q_OBJECT
public:
    explicit NoticeBar(QWidget* parent = nullptr);
    void show(const QString& text);
    [[nodiscard]] QString text() const;

private:
    ElidedLabel* m_text;
};

} // namespace fairy2::shell
