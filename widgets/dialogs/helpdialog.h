// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDialog>

namespace fairy2::dialogs {

/// "What is W2?": the method on one page, in the words the window uses.
class HelpDialog : public QDialog {
    Q_OBJECT
public:
    explicit HelpDialog(QWidget* parent);
};

} // namespace fairy2::dialogs
