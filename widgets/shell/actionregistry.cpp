// SPDX-License-Identifier: Apache-2.0
#include "shell/actionregistry.h"

#include "shell/settings.h"

#include <QHash>
#include <QSettings>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr auto kCategory = "category";
constexpr auto kDefaultShortcut = "defaultShortcut";

QString shortcutKey(const QString& id) {
    return u"shortcuts/"_s + id;
}

} // namespace

ActionRegistry::ActionRegistry(QObject* parent) : QObject(parent) {}

QAction* ActionRegistry::add(const QString& id, const QString& text, const QString& category,
                             const QKeySequence& shortcut, std::function<void()> triggered) {
    auto* action = new QAction(text, this);
    action->setObjectName(id);
    action->setProperty(kCategory, category);
    action->setProperty(kDefaultShortcut, shortcut);
    const QVariant saved = settings().value(shortcutKey(id));
    action->setShortcut(saved.isValid() ? QKeySequence(saved.toString(), QKeySequence::PortableText)
                                        : shortcut);
    if (triggered) connect(action, &QAction::triggered, this, std::move(triggered));
    m_actions.append(action);
    emit actionAdded(action);
    return action;
}

QAction* ActionRegistry::find(const QString& id) const {
    for (auto* action : m_actions)
        if (action->objectName() == id) return action;
    return nullptr;
}

QString ActionRegistry::category(const QAction* action) const {
    return action->property(kCategory).toString();
}

QKeySequence ActionRegistry::defaultShortcut(const QAction* action) const {
    return action->property(kDefaultShortcut).value<QKeySequence>();
}

bool ActionRegistry::setShortcut(QAction* action, const QKeySequence& shortcut) {
    for (const auto* other : m_actions)
        if (other != action && !shortcut.isEmpty() && other->shortcut() == shortcut) return false;
    action->setShortcut(shortcut);
    settings().setValue(shortcutKey(action->objectName()), shortcut.toString(QKeySequence::PortableText));
    return true;
}

QList<QList<QAction*>> ActionRegistry::conflicts() const {
    QHash<QKeySequence, QList<QAction*>> users;
    for (auto* action : m_actions)
        if (!action->shortcut().isEmpty()) users[action->shortcut()].append(action);
    QList<QList<QAction*>> shared;
    for (const auto& group : std::as_const(users))
        if (group.size() > 1) shared.append(group);
    return shared;
}

} // namespace fairy2::shell
