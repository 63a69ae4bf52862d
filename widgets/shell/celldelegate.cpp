// SPDX-License-Identifier: Apache-2.0
#include "shell/celldelegate.h"

#include "models/roles.h"
#include "shell/theme.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr int kPadding = 10;
constexpr int kDisc = 8;
constexpr int kRowHeight = 21;

void drawSpark(QPainter& painter, const QRect& area, const QList<double>& values, const QColor& color) {
    double low = 0;
    double high = 0;
    bool any = false;
    for (const double value : values) {
        if (!std::isfinite(value)) continue;
        low = any ? std::min(low, value) : value;
        high = any ? std::max(high, value) : value;
        any = true;
    }
    if (!any || values.size() < 2) return;
    const double span = high > low ? high - low : 1.0;
    QPolygonF line;
    for (qsizetype i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i])) continue;
        const double x =
            area.left() + area.width() * static_cast<double>(i) / static_cast<double>(values.size() - 1);
        line << QPointF(x, area.bottom() - area.height() * (values[i] - low) / span);
    }
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(color, 1));
    painter.drawPolyline(line);
    painter.setRenderHint(QPainter::Antialiasing, false);
}

} // namespace

void CellDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                         const QModelIndex& index) const {
    const Colors& colors = Theme::instance().colors();
    painter->save();
    QRect area = option.rect;
    const bool selected = option.state.testFlag(QStyle::State_Selected);
    const QVariant background = index.data(Qt::BackgroundRole);
    if (background.canConvert<QColor>()) painter->fillRect(area, background.value<QColor>());
    if (selected) painter->fillRect(area, colors.accentWash);
    const QVariant heat = index.data(itemmodels::HeatRole);
    if (heat.isValid())
        painter->fillRect(area,
                          mix(selected ? colors.accentWash : colors.surface, colors.heat, heat.toDouble()));
    painter->setPen(colors.line);
    painter->drawLine(area.bottomLeft(), area.bottomRight());

    area.adjust(kPadding, 0, -kPadding, -1);
    const QColor swatch = index.data(itemmodels::SwatchRole).value<QColor>();
    const QVariant spark = index.data(itemmodels::SparkRole);
    if (spark.isValid()) {
        drawSpark(*painter, area.adjusted(0, 4, 0, -4), spark.value<QList<double>>(),
                  swatch.isValid() ? swatch : colors.accent);
        painter->restore();
        return;
    }
    if (swatch.isValid()) {
        painter->setRenderHint(QPainter::Antialiasing);
        painter->setPen(Qt::NoPen);
        painter->setBrush(swatch);
        painter->drawEllipse(QRect(area.left(), area.center().y() - kDisc / 2 + 1, kDisc, kDisc));
        painter->setRenderHint(QPainter::Antialiasing, false);
        area.setLeft(area.left() + kDisc + 7);
    }
    const QVariant alignment = index.data(Qt::TextAlignmentRole);
    const auto align =
        alignment.isValid() ? Qt::Alignment(alignment.toInt()) : Qt::AlignLeft | Qt::AlignVCenter;
    const QVariant font = index.data(Qt::FontRole);
    if (font.isValid())
        painter->setFont(font.value<QFont>().resolve(option.font));
    else
        painter->setFont(option.font);
    const QVariant foreground = index.data(Qt::ForegroundRole);
    painter->setPen(foreground.isValid() ? foreground.value<QColor>() : colors.text);
    const QString text = index.data(Qt::DisplayRole).toString();
    const Qt::TextElideMode elide = align.testFlag(Qt::AlignRight) ? Qt::ElideLeft : option.textElideMode;
    painter->drawText(area, static_cast<int>(align) | Qt::TextSingleLine,
                      painter->fontMetrics().elidedText(text, elide, area.width()));
    if (option.state.testFlag(QStyle::State_HasFocus) &&
        option.state.testFlag(QStyle::State_KeyboardFocusChange)) {
        painter->setPen(QPen(colors.accent, 1));
        painter->drawRect(option.rect.adjusted(0, 0, -1, -2));
    }
    painter->restore();
}

QSize CellDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
    const bool disc = index.data(itemmodels::SwatchRole).isValid();
    const QString text = index.data(Qt::DisplayRole).toString();
    const int width = option.fontMetrics.horizontalAdvance(text) + 2 * kPadding + (disc ? kDisc + 7 : 0) + 2;
    return {width, kRowHeight};
}

} // namespace fairy2::shell
