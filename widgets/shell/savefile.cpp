// SPDX-License-Identifier: Apache-2.0
#include "shell/savefile.h"

#include "base/files.h"
#include "shell/ask.h"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>
#include <QWidget>

namespace fairy2::shell {

void saveFile(QWidget* parent, const QString& what, const QString& path, const QByteArray& content) {
    QThreadPool::globalInstance()->start([guard = QPointer<QWidget>(parent), what, path, content] {
        const auto saved = base::writeFileAtomically(
            path.toStdString(),
            std::string_view(content.constData(), static_cast<std::size_t>(content.size())));
        if (saved) return;
        const QString sentence = QString::fromStdString(saved.error().sentence());
        QMetaObject::invokeMethod(
            qApp, [guard, what, sentence] { Ask::tell(guard, what, sentence); }, Qt::QueuedConnection);
    });
}

} // namespace fairy2::shell
