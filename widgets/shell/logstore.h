// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDateTime>
#include <QList>
#include <QObject>

namespace fairy2::shell {

/// The lines of the Log dock: failed jobs, notices, warnings of core and Qt. Bounded; GUI thread, except
/// append(), which any thread may call.
class LogStore : public QObject {
    Q_OBJECT
public:
    enum class Level { Debug, Info, Warning, Error };
    struct Line {
        QDateTime time;
        Level level;
        QString text;
    };
    static constexpr int kLines = 5000;

    explicit LogStore(QObject* parent = nullptr);

    void append(Level level, const QString& text);
    void clear();
    [[nodiscard]] const QList<Line>& lines() const { return m_lines; }
    /// "12:34:56  warning  text"
    [[nodiscard]] static QString format(const Line& line);

signals:
    void appended(const fairy2::shell::LogStore::Line& line);
    void cleared();

private:
    QList<Line> m_lines;
};

} // namespace fairy2::shell
