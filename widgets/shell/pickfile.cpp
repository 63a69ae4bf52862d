// SPDX-License-Identifier: Apache-2.0
#include "shell/pickfile.h"

#include "shell/settings.h"

#include <QApplication>
#include <QFileDialog>
#include <QQueue>
#include <QSettings>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

QQueue<QString> g_queued;

void show(QWidget* parent, const QString& purpose, const QString& title, const QString& filter,
          QFileDialog::FileMode mode, QFileDialog::AcceptMode accept, const QString& suggestion,
          std::function<void(const QString&)> picked) {
    if (!g_queued.isEmpty()) {
        QTimer::singleShot(0, qApp,
                           [picked = std::move(picked), path = g_queued.dequeue()] { picked(path); });
        return;
    }
    const QString key = u"folders/"_s + purpose;
    auto* dialog = new QFileDialog(parent, title, settings().value(key).toString(), filter);
    dialog->setObjectName(u"pickFile"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(mode);
    dialog->setAcceptMode(accept);
    if (!suggestion.isEmpty()) dialog->selectFile(suggestion);
    QObject::connect(dialog, &QFileDialog::fileSelected, dialog,
                     [dialog, key, picked = std::move(picked)](const QString& path) {
                         settings().setValue(key, dialog->directory().absolutePath());
                         picked(path);
                     });
    dialog->open();
}

} // namespace

void PickFile::folder(QWidget* parent, const QString& purpose, const QString& title,
                      std::function<void(const QString&)> picked) {
    show(parent, purpose, title, {}, QFileDialog::Directory, QFileDialog::AcceptOpen, {}, std::move(picked));
}

void PickFile::open(QWidget* parent, const QString& purpose, const QString& title, const QString& filter,
                    std::function<void(const QString&)> picked) {
    show(parent, purpose, title, filter, QFileDialog::ExistingFile, QFileDialog::AcceptOpen, {},
         std::move(picked));
}

void PickFile::save(QWidget* parent, const QString& purpose, const QString& title, const QString& suggestion,
                    const QString& filter, std::function<void(const QString&)> picked) {
    show(parent, purpose, title, filter, QFileDialog::AnyFile, QFileDialog::AcceptSave, suggestion,
         std::move(picked));
}

void PickFile::queue(const QString& path) {
    g_queued.enqueue(path);
}

} // namespace fairy2::shell
