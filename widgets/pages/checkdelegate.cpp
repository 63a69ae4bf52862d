// SPDX-License-Identifier: Apache-2.0
#include "pages/checkdelegate.h"

#include "shell/theme.h"

#include <QKeyEvent>
#include <QPainter>

namespace fairy2::pages {
namespace {

constexpr int kBox = 13;
constexpr int kIndent = 12;
constexpr int kShift = kIndent + kBox; ///< how far the cell's own content moves right

} // namespace

void CheckDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                          const QModelIndex& index) const {
    const QVariant check = index.data(Qt::CheckStateRole);
    if (!check.isValid()) {
        CellDelegate::paint(painter, option, index);
        return;
    }
    const auto& colors = shell::Theme::instance().colors();
    // The strip under the box: the same ground and hairline as the rest of the cell.
    const QRect strip(option.rect.left(), option.rect.top(), kShift, option.rect.height());
    if (option.state.testFlag(QStyle::State_Selected)) painter->fillRect(strip, colors.accentWash);
    painter->setPen(colors.line);
    painter->drawLine(strip.bottomLeft(), strip.bottomRight());
    QStyleOptionViewItem rest = option;
    rest.rect.setLeft(option.rect.left() + kShift - 2);
    CellDelegate::paint(painter, rest, index);

    const bool checked = check.toInt() == Qt::Checked;
    const QRectF box(strip.left() + kIndent + 0.5, strip.center().y() - kBox / 2 + 0.5, kBox - 1, kBox - 1);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(QPen(checked ? colors.accent : colors.secondary, 1));
    painter->setBrush(checked ? colors.accent : colors.surface);
    painter->drawRoundedRect(box, 3, 3);
    if (checked) {
        painter->setPen(QPen(colors.onAccent, 1.6));
        painter->drawPolyline(QPolygonF{box.topLeft() + QPointF(2.8, 6.2), box.topLeft() + QPointF(5.2, 8.6),
                                        box.topLeft() + QPointF(9.4, 3.6)});
    }
    painter->restore();
}

bool CheckDelegate::editorEvent(QEvent* event, QAbstractItemModel* model, const QStyleOptionViewItem& option,
                                const QModelIndex& index) {
    const bool clicked = event->type() == QEvent::MouseButtonRelease;
    const bool pressed =
        event->type() == QEvent::KeyPress && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Space;
    if (!(clicked || pressed) || !index.flags().testFlag(Qt::ItemIsUserCheckable))
        return CellDelegate::editorEvent(event, model, option, index);
    const bool checked = index.data(Qt::CheckStateRole).toInt() == Qt::Checked;
    return model->setData(index, checked ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
}

} // namespace fairy2::pages
