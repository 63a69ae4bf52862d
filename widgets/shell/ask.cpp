// SPDX-License-Identifier: Apache-2.0
#include "shell/ask.h"

#include <QApplication>
#include <QInputDialog>
#include <QMessageBox>
#include <QPushButton>
#include <QQueue>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

QQueue<bool> g_confirmations;
QQueue<QString> g_texts;
QString g_told;

// Answers come later, as from a dialog, so no caller can rely on being called back at once.
void later(std::function<void()> call) {
    QTimer::singleShot(0, qApp, std::move(call));
}

} // namespace

void Ask::confirm(QWidget* parent, const QString& title, const QString& text, const QString& accept,
                  std::function<void(bool)> answer) {
    if (!g_confirmations.isEmpty()) {
        later([answer = std::move(answer), accepted = g_confirmations.dequeue()] { answer(accepted); });
        return;
    }
    auto* box = new QMessageBox(QMessageBox::Question, title, text, QMessageBox::Cancel, parent);
    box->setObjectName(u"ask"_s);
    box->setAttribute(Qt::WA_DeleteOnClose);
    auto* button = box->addButton(accept, QMessageBox::AcceptRole);
    button->setProperty("role", u"primary"_s);
    box->setDefaultButton(button);
    QObject::connect(box, &QMessageBox::finished, box,
                     [box, button, answer = std::move(answer)] { answer(box->clickedButton() == button); });
    box->open();
}

void Ask::text(QWidget* parent, const QString& title, const QString& label, const QString& start,
               std::function<void(const QString&)> answer) {
    if (!g_texts.isEmpty()) {
        later([answer = std::move(answer), text = g_texts.dequeue()] { answer(text); });
        return;
    }
    auto* dialog = new QInputDialog(parent);
    dialog->setObjectName(u"askText"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(title);
    dialog->setLabelText(label);
    dialog->setTextValue(start);
    QObject::connect(dialog, &QInputDialog::textValueSelected, dialog, std::move(answer));
    dialog->open();
}

void Ask::tell(QWidget* parent, const QString& title, const QString& text) {
    g_told = text;
    auto* box = new QMessageBox(QMessageBox::NoIcon, title, text, QMessageBox::Ok, parent);
    box->setObjectName(u"tell"_s);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setTextInteractionFlags(Qt::TextSelectableByMouse);
    box->open();
}

void Ask::queueConfirm(bool accepted) {
    g_confirmations.enqueue(accepted);
}

void Ask::queueText(const QString& text) {
    g_texts.enqueue(text);
}

QString Ask::lastTold() {
    return g_told;
}

} // namespace fairy2::shell
