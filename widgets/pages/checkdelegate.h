// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/celldelegate.h"

namespace fairy2::pages {

/// A table cell with a check box before it where the model has one; a click anywhere on the cell or the space
/// bar switches it.
class CheckDelegate final : public shell::CellDelegate {
    Q_OBJECT
public:
    using CellDelegate::CellDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;
    bool editorEvent(QEvent* event, QAbstractItemModel* model, const QStyleOptionViewItem& option,
                     const QModelIndex& index) override;
};

} // namespace fairy2::pages
