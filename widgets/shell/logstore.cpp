// SPDX-License-Identifier: Apache-2.0
#include "shell/logstore.h"

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

QString levelName(LogStore::Level level) {
    switch (level) {
    case LogStore::Level::Debug:
        return u"debug"_s;
    case LogStore::Level::Info:
        return u"info"_s;
    case LogStore::Level::Warning:
        return u"warning"_s;
    case LogStore::Level::Error:
        return u"error"_s;
    }
    return {};
}

} // namespace

LogStore::LogStore(QObject* parent) : QObject(parent) {}

void LogStore::append(Level level, const QString& text) {
    const Line line{QDateTime::currentDateTime(), level, text};
    QMetaObject::invokeMethod(this, [this, line] {
        m_lines.append(line);
        if (m_lines.size() > kLines) m_lines.removeFirst();
        emit appended(line);
    });
}

void LogStore::clear() {
    m_lines.clear();
    emit cleared();
}

QString LogStore::format(const Line& line) {
    return u"%1  %2  %3"_s.arg(line.time.toString(u"HH:mm:ss"_s), levelName(line.level).leftJustified(7),
                               line.text);
}

} // namespace fairy2::shell
