// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

#include <functional>

class QWidget;

namespace fairy2::shell {

/// Questions and messages. Never a nested event loop: the answer arrives by callback on the GUI thread.
/// Tests queue answers instead of clicking: each queued answer serves one question, without a dialog.
class Ask {
public:
    /// A yes/no question; `accept` names the action ("Delete run"), never just "Yes".
    static void confirm(QWidget* parent, const QString& title, const QString& text, const QString& accept,
                        std::function<void(bool accepted)> answer);
    /// One line of text; `answer` is not called when the user cancels.
    static void text(QWidget* parent, const QString& title, const QString& label, const QString& start,
                     std::function<void(const QString&)> answer);
    /// Something the user should know now; errors of the user's own action.
    static void tell(QWidget* parent, const QString& title, const QString& text);

    static void queueConfirm(bool accepted);
    static void queueText(const QString& text);
    /// What the last tell() said, also when it was answered by nobody; for tests.
    [[nodiscard]] static QString lastTold();
};

} // namespace fairy2::shell
