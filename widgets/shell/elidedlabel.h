// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>

namespace fairy2::shell {

/// One line of plain text that shortens itself with "…" instead of widening its parent; the whole text is
/// its tool tip and its accessible name when it does not fit. Property `role` = secondary or strong.
class ElidedLabel : public QFrame {
    Q_OBJECT
public:
    explicit ElidedLabel(const QString& text = {}, QWidget* parent = nullptr);
    void setText(const QString& text);
    [[nodiscard]] QString text() const { return m_text; }
    void setElideMode(Qt::TextElideMode mode);

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    QString m_text;
    Qt::TextElideMode m_mode = Qt::ElideRight;
};

} // namespace fairy2::shell
