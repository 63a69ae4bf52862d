// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <functional>

class QWidget;

namespace fairy2::shell {

/// File dialogs, without a nested event loop; `picked` is not called when the user cancels. The folder of
/// each `purpose` ("model", "tokens", "export", …) is remembered. Tests queue paths instead.
class PickFile {
public:
    static void folder(QWidget* parent, const QString& purpose, const QString& title,
                       std::function<void(const QString& path)> picked);
    /// `filter` as QFileDialog has it: "Tokens (*.safetensors *.txt)".
    static void open(QWidget* parent, const QString& purpose, const QString& title, const QString& filter,
                     std::function<void(const QString& path)> picked);
    static void save(QWidget* parent, const QString& purpose, const QString& title, const QString& suggestion,
                     const QString& filter, std::function<void(const QString& path)> picked);

    /// The next dialog of any kind answers with this path at once.
    static void queue(const QString& path);
};

} // namespace fairy2::shell
