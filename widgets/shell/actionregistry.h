// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QAction>
#include <QList>
#include <QObject>

#include <functional>

namespace fairy2::shell {

/// Every command of the window, in one place: menu, palette, shortcut sheet and tests read it.
class ActionRegistry : public QObject {
    Q_OBJECT
public:
    explicit ActionRegistry(QObject* parent = nullptr);

    /// `id` ("file.open") is stable: it keys the saved shortcut and is the action's objectName.
    /// `category` is the translated group shown in the palette ("File").
    QAction* add(const QString& id, const QString& text, const QString& category,
                 const QKeySequence& shortcut = {}, std::function<void()> triggered = {});
    [[nodiscard]] QAction* find(const QString& id) const;
    [[nodiscard]] const QList<QAction*>& actions() const { return m_actions; }
    [[nodiscard]] QString category(const QAction* action) const;
    [[nodiscard]] QKeySequence defaultShortcut(const QAction* action) const;

    /// Changes and saves a shortcut. Refuses (false) one that another action has; an empty one removes it.
    bool setShortcut(QAction* action, const QKeySequence& shortcut);
    /// Groups of actions that share a shortcut; empty when all is well.
    [[nodiscard]] QList<QList<QAction*>> conflicts() const;

signals:
    void actionAdded(QAction* action);

private:
    QList<QAction*> m_actions;
};

} // namespace fairy2::shell
