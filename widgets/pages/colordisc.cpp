// SPDX-License-Identifier: Apache-2.0
#include "pages/colordisc.h"

#include "shell/colors.h"

#include <QPainter>

namespace fairy2::pages {
namespace {

constexpr int kDiameter = 8;

} // namespace

ColorDisc::ColorDisc(int color, QWidget* parent) : QWidget(parent), m_color(color) {
    setFixedSize(kDiameter + 2, kDiameter + 2);
}

void ColorDisc::setColor(int color) {
    m_color = color;
    update();
}

void ColorDisc::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(shell::runColor(m_color));
    painter.drawEllipse(QRectF(1, 1, kDiameter, kDiameter));
}

} // namespace fairy2::pages
