// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDialog>

namespace fairy2::dialogs {

/// Version, what the program is, and the licences of its parts.
class AboutDialog : public QDialog {
    Q_OBJECT
public:
    explicit AboutDialog(QWidget* parent);
};

} // namespace fairy2::dialogs
