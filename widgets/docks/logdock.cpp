// SPDX-License-Identifier: Apache-2.0
#include "docks/logdock.h"

#include "shell/logstore.h"
#include "shell/theme.h"

#include <QPlainTextEdit>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::docks {

LogDock::LogDock(shell::LogStore& log, QWidget* parent) : QWidget(parent), m_text(new QPlainTextEdit) {
    setObjectName(u"logDock"_s);
    m_text->setObjectName(u"logText"_s);
    m_text->setAccessibleName(tr("Log"));
    m_text->setProperty("role", u"log"_s);
    m_text->setReadOnly(true);
    m_text->setMaximumBlockCount(shell::LogStore::kLines);
    m_text->setPlaceholderText(tr("Nothing has happened yet. Warnings and failures appear here."));
    QFont mono(u"DejaVu Sans Mono"_s);
    mono.setStyleHint(QFont::Monospace);
    mono.setPixelSize(12);
    m_text->setFont(mono);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_text);
    for (const auto& line : log.lines())
        m_text->appendPlainText(shell::LogStore::format(line));
    connect(&log, &shell::LogStore::appended, m_text, [this](const shell::LogStore::Line& line) {
        m_text->appendPlainText(shell::LogStore::format(line));
    });
    connect(&log, &shell::LogStore::cleared, m_text, &QPlainTextEdit::clear);
}

} // namespace fairy2::docks
