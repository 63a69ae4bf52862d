// SPDX-License-Identifier: Apache-2.0
#include "shell/tableheader.h"

#include "shell/theme.h"

#include <QPainter>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr int kPadding = 10;
constexpr int kHeight = 24;

} // namespace

TableHeader::TableHeader(QWidget* parent) : QHeaderView(Qt::Horizontal, parent) {
    setFont(Theme::font(TextSize::Table));
    setHighlightSections(false);
    setSectionsClickable(true);
    setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    setMinimumSectionSize(32);
    setTextElideMode(Qt::ElideRight);
}

void TableHeader::paintSection(QPainter* painter, const QRect& area, int section) const {
    const Colors& colors = Theme::instance().colors();
    const QVariant alignment = model()->headerData(section, Qt::Horizontal, Qt::TextAlignmentRole);
    const bool right = alignment.isValid() && (alignment.toInt() & Qt::AlignRight) != 0;
    const bool sorted = isSortIndicatorShown() && sortIndicatorSection() == section;
    const QString arrow = !sorted ? QString() : sortIndicatorOrder() == Qt::AscendingOrder ? u"▴"_s : u"▾"_s;
    QString text = model()->headerData(section, Qt::Horizontal).toString();
    const QRect inside = area.adjusted(kPadding, 0, -kPadding, -1);
    const int room = inside.width() - (sorted ? fontMetrics().horizontalAdvance(arrow) + 3 : 0);
    text = fontMetrics().elidedText(text, Qt::ElideRight, room);
    if (sorted) text = right ? arrow + u' ' + text : text + u' ' + arrow;

    painter->save();
    painter->setFont(font());
    painter->fillRect(area, colors.surface);
    painter->setPen(colors.line);
    painter->drawLine(area.bottomLeft(), area.bottomRight());
    painter->setPen(sorted ? colors.text : colors.secondary);
    painter->drawText(inside, Qt::AlignVCenter | (right ? Qt::AlignRight : Qt::AlignLeft), text);
    painter->restore();
}

QSize TableHeader::sectionSizeFromContents(int section) const {
    const QString text = model()->headerData(section, Qt::Horizontal).toString();
    return {fontMetrics().horizontalAdvance(text + u" ▾"_s) + 2 * kPadding, kHeight};
}

} // namespace fairy2::shell
