// SPDX-License-Identifier: Apache-2.0
#include "shell/commandpalette.h"

#include "shell/actionregistry.h"
#include "shell/theme.h"

#include <QCoreApplication>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr int kShown = 200;
constexpr int kItemRole = Qt::UserRole;
constexpr int kDetailRole = Qt::UserRole + 1;
constexpr int kShortcutRole = Qt::UserRole + 2;

class PaletteDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        const Colors& colors = Theme::instance().colors();
        const QRect area = option.rect.adjusted(12, 0, -12, 0);
        if (option.state.testFlag(QStyle::State_Selected)) painter->fillRect(option.rect, colors.accentWash);
        painter->setPen(colors.text);
        const QString title = index.data().toString();
        painter->drawText(area, Qt::AlignVCenter | Qt::AlignLeft, title);
        painter->setPen(colors.secondary);
        const int used = option.fontMetrics.horizontalAdvance(title) + 12;
        painter->drawText(area.adjusted(used, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft,
                          index.data(kDetailRole).toString());
        painter->drawText(area, Qt::AlignVCenter | Qt::AlignRight, index.data(kShortcutRole).toString());
    }
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {0, 28};
    }
};

QString plainText(const QAction& action) {
    return action.text().remove(u'&');
}

} // namespace

int fuzzyScore(const QString& pattern, const QString& text) {
    int score = 0;
    qsizetype at = 0;
    qsizetype last = -2;
    for (const QChar wanted : pattern) {
        if (wanted.isSpace()) continue;
        const qsizetype found = text.indexOf(wanted, at, Qt::CaseInsensitive);
        if (found < 0) return -1;
        const bool startsWord = found == 0 || !text[found - 1].isLetterOrNumber();
        score += found == last + 1 ? 8 : startsWord ? 6 : 1;
        last = found;
        at = found + 1;
    }
    return score;
}

CommandPalette::CommandPalette(const ActionRegistry& actions, QList<Source> sources, QWidget* parent)
    : QDialog(parent, Qt::Popup), m_field(new QLineEdit), m_list(new QListWidget) {
    setObjectName(u"commandPalette"_s);
    setAttribute(Qt::WA_DeleteOnClose);
    setAccessibleName(tr("Command palette"));
    m_field->setObjectName(u"paletteField"_s);
    m_field->setPlaceholderText(tr("Type a command, a layer, a model or a run"));
    m_field->setAccessibleName(tr("Search"));
    m_field->installEventFilter(this);
    m_list->setObjectName(u"paletteList"_s);
    m_list->setAccessibleName(tr("Found"));
    m_list->setItemDelegate(new PaletteDelegate(this));
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setUniformItemSizes(true);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(8, 8, 8, 8);
    column->addWidget(m_field);
    column->addWidget(m_list);
    resize(560, 420);
    for (auto* action : actions.actions())
        if (action->isEnabled())
            m_items.append({plainText(*action), actions.category(action),
                            action->shortcut().toString(QKeySequence::NativeText),
                            [action] { action->trigger(); }});
    for (const auto& source : sources)
        m_items.append(source());
    connect(m_field, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_list, &QListWidget::itemClicked, this, &CommandPalette::runCurrent);
    filter({});
    m_field->setFocus();
}

void CommandPalette::filter(const QString& pattern) {
    std::vector<std::pair<int, int>> ranked;
    for (int i = 0; i < m_items.size(); ++i)
        if (const int score = fuzzyScore(pattern, m_items[i].title); score >= 0)
            ranked.emplace_back(-score, i);
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    m_list->clear();
    for (const auto& [score, i] : ranked) {
        if (m_list->count() >= kShown) break;
        auto* item = new QListWidgetItem(m_items[i].title, m_list);
        item->setData(kItemRole, i);
        item->setData(kDetailRole, m_items[i].detail);
        item->setData(kShortcutRole, m_items[i].shortcut);
    }
    m_list->setCurrentRow(0);
}

void CommandPalette::runCurrent() {
    const auto* item = m_list->currentItem();
    if (item == nullptr) return;
    // The palette closes first, so that a command may open a window of its own in its place.
    const auto run = m_items[item->data(kItemRole).toInt()].run;
    close();
    run();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
    if (watched != m_field || event->type() != QEvent::KeyPress) return QDialog::eventFilter(watched, event);
    const int key = static_cast<QKeyEvent*>(event)->key();
    if (key == Qt::Key_Return || key == Qt::Key_Enter) {
        runCurrent();
        return true;
    }
    if (key == Qt::Key_Down || key == Qt::Key_Up || key == Qt::Key_PageDown || key == Qt::Key_PageUp) {
        QCoreApplication::sendEvent(m_list, event);
        return true;
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace fairy2::shell
