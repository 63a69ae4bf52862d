// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QString>

class QWidget;

namespace fairy2::shell {

/// Writes a file the user asked for, atomically and off the GUI thread; a failure is told in a message over
/// `parent`. `what` names the action ("Save figure").
void saveFile(QWidget* parent, const QString& what, const QString& path, const QByteArray& content);

} // namespace fairy2::shell
