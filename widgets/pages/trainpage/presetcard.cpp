// SPDX-License-Identifier: Apache-2.0
#include "pages/trainpage/presetcard.h"

#include "shell/theme.h"

#include <QEvent>
#include <QPainter>

namespace fairy2::pages {
namespace {

constexpr int kPadding = 12;
constexpr int kRadius = 8;
constexpr QSize kSize(180, 82);
constexpr QSize kLeast(110, 82);

} // namespace

PresetCard::PresetCard(const QString& option, const QString& title, const QString& text, QWidget* parent)
    : QAbstractButton(parent), m_option(option), m_text(text) {
    setText(title);
    setCheckable(true);
    setFocusPolicy(Qt::StrongFocus);
    setObjectName(QStringLiteral("preset_") + option);
    setAccessibleName(title);
    setAccessibleDescription(text);
    setToolTip(QStringLiteral("training=") + option);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    connect(&shell::Theme::instance(), &shell::Theme::changed, this, qOverload<>(&QWidget::update));
}

QSize PresetCard::sizeHint() const {
    return kSize;
}

QSize PresetCard::minimumSizeHint() const {
    return kLeast;
}

bool PresetCard::event(QEvent* event) {
    if (event->type() == QEvent::Enter || event->type() == QEvent::Leave) update();
    return QAbstractButton::event(event);
}

void PresetCard::paintEvent(QPaintEvent*) {
    const auto& colors = shell::Theme::instance().colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool strong = isChecked() || hasFocus();
    painter.setPen(QPen(strong ? colors.accent : underMouse() ? colors.secondary : colors.line, 1));
    painter.setBrush(isChecked() ? colors.accentWash : colors.surface);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);

    const QRect area = rect().adjusted(kPadding, 10, -kPadding, -8);
    painter.setFont(shell::Theme::font(shell::TextSize::Body, true));
    painter.setPen(isChecked() ? colors.accent : colors.text);
    const QFontMetrics title = painter.fontMetrics();
    painter.drawText(area, Qt::AlignLeft | Qt::AlignTop,
                     title.elidedText(text(), Qt::ElideRight, area.width()));

    painter.setFont(shell::Theme::font(shell::TextSize::Table));
    painter.setPen(colors.secondary);
    const QRect body = area.adjusted(0, title.height() + 3, 0, 0);
    painter.drawText(body, Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap, m_text);
}

} // namespace fairy2::pages
