// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDialog>

#include <functional>

class QLineEdit;
class QListWidget;

namespace fairy2::shell {

class ActionRegistry;

/// One thing the palette can do or go to.
struct PaletteItem {
    QString title;
    QString detail;   ///< category or what it is, in secondary text
    QString shortcut; ///< empty for most
    std::function<void()> run;
};

/// How well `pattern` matches `text` as a subsequence, case-insensitive: higher is better (runs of letters
/// and starts of words count more), −1 = not at all. An empty pattern matches everything with 0.
[[nodiscard]] int fuzzyScore(const QString& pattern, const QString& text);

/// Finds commands, layers, models and runs by a few letters; keyboard only.
class CommandPalette : public QDialog {
    Q_OBJECT
public:
    using Source = std::function<QList<PaletteItem>()>;

    CommandPalette(const ActionRegistry& actions, QList<Source> sources, QWidget* parent);

private:
    void filter(const QString& pattern);
    void runCurrent();
    bool eventFilter(QObject* watched, QEvent* event) override;

    QList<PaletteItem> m_items;
    QLineEdit* m_field;
    QListWidget* m_list;
};

} // namespace fairy2::shell
