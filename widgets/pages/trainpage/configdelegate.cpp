// SPDX-License-Identifier: Apache-2.0
#include "pages/trainpage/configdelegate.h"

#include "models/roles.h"

#include <QComboBox>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

constexpr int kRowHeight = 24;

} // namespace

QWidget* ConfigDelegate::createEditor(QWidget* parent, const QStyleOptionViewItem& option,
                                      const QModelIndex& index) const {
    const QStringList choices = index.data(itemmodels::ChoicesRole).toStringList();
    QWidget* editor = nullptr;
    if (choices.isEmpty()) {
        editor = QStyledItemDelegate::createEditor(parent, option, index);
    } else {
        auto* box = new QComboBox(parent);
        box->addItems(choices);
        // A choice is an answer: it need not be confirmed by a click elsewhere.
        auto* self = const_cast<ConfigDelegate*>(this);
        connect(box, &QComboBox::activated, self, [self, box] {
            emit self->commitData(box);
            emit self->closeEditor(box);
        });
        editor = box;
    }
    // The cell leaves no room for the padding that a free-standing field has.
    editor->setStyleSheet(u"padding: 0 4px; border-radius: 2px;"_s);
    editor->setObjectName(u"configEditor"_s);
    editor->setAccessibleName(index.data(itemmodels::IdRole).toString());
    return editor;
}

void ConfigDelegate::setEditorData(QWidget* editor, const QModelIndex& index) const {
    if (auto* box = qobject_cast<QComboBox*>(editor))
        box->setCurrentText(index.data(Qt::EditRole).toString());
    else
        QStyledItemDelegate::setEditorData(editor, index);
}

void ConfigDelegate::setModelData(QWidget* editor, QAbstractItemModel* model,
                                  const QModelIndex& index) const {
    if (auto* box = qobject_cast<QComboBox*>(editor))
        model->setData(index, box->currentText(), Qt::EditRole);
    else
        QStyledItemDelegate::setModelData(editor, model, index);
}

QSize ConfigDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
    QSize size = QStyledItemDelegate::sizeHint(option, index);
    size.setHeight(kRowHeight);
    return size;
}

} // namespace fairy2::pages
