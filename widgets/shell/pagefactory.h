// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <functional>
#include <vector>

class QDialog;
class QWidget;

namespace fairy2::shell {

class Page;
class Workspace;

/// A page of the left bar, in its order; Ctrl+1 is the first.
struct PageEntry {
    QString id;    ///< "models"; the value of --page
    QString title; ///< translated
    QString icon;  ///< name below resources/icons
    std::function<Page*(Workspace&, QWidget* parent)> create;
};
[[nodiscard]] std::vector<PageEntry> pageEntries();

/// A dialog or wizard that a command opens; its header button stands left of Train.
struct DialogEntry {
    QString id;    ///< "export"
    QString title; ///< of its command: "Export…"
    QString shortcut;
    /// `argument` is what Workspace::requestDialog was given, often a checkpoint path, or empty.
    std::function<QDialog*(Workspace&, QWidget* parent, const QString& argument)> create;
};
[[nodiscard]] std::vector<DialogEntry> dialogEntries();

} // namespace fairy2::shell
