// SPDX-License-Identifier: Apache-2.0
#include "wizards/steplist.h"

#include "shell/theme.h"

#include <QPainter>

namespace fairy2::wizards {
namespace {

constexpr int kRow = 36;
constexpr int kWidth = 180;
constexpr int kDisc = 20;
constexpr int kPadding = 16;

} // namespace

StepList::StepList(const QStringList& steps, QWidget* parent) : QWidget(parent), m_steps(steps) {
    setObjectName(QStringLiteral("wizardSteps"));
    setFixedWidth(kWidth);
    setCurrent(0);
    connect(&shell::Theme::instance(), &shell::Theme::changed, this, qOverload<>(&QWidget::update));
}

void StepList::setCurrent(int step) {
    m_current = step;
    setAccessibleName(tr("Step %1 of %2: %3").arg(step + 1).arg(m_steps.size()).arg(m_steps.value(step)));
    update();
}

QSize StepList::sizeHint() const {
    return {kWidth, static_cast<int>(m_steps.size()) * kRow + 2 * kPadding};
}

void StepList::paintEvent(QPaintEvent*) {
    const auto& colors = shell::Theme::instance().colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(rect(), colors.window);
    for (int i = 0; i < m_steps.size(); ++i) {
        const QRect row(kPadding, kPadding + i * kRow, width() - kPadding, kRow);
        const QRectF disc(row.left(), row.center().y() - kDisc / 2.0, kDisc, kDisc);
        const bool current = i == m_current;
        painter.setPen(QPen(i <= m_current ? colors.accent : colors.line, 1));
        painter.setBrush(current ? colors.accent : colors.surface);
        painter.drawEllipse(disc);
        painter.setFont(shell::Theme::font(shell::TextSize::Axis, current));
        painter.setPen(current ? colors.onAccent : i < m_current ? colors.accent : colors.secondary);
        painter.drawText(disc, Qt::AlignCenter, i < m_current ? QStringLiteral("✓") : QString::number(i + 1));
        painter.setFont(shell::Theme::font(shell::TextSize::Body, current));
        painter.setPen(i <= m_current ? colors.text : colors.secondary);
        painter.drawText(row.adjusted(kDisc + 10, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft, m_steps[i]);
    }
}

} // namespace fairy2::wizards
