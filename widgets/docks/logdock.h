// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QWidget>

class QPlainTextEdit;

namespace fairy2::shell {
class LogStore;
}

namespace fairy2::docks {

/// What happened in this session, as text that can be searched and copied.
class LogDock : public QWidget {
    Q_OBJECT
public:
    explicit LogDock(shell::LogStore& log, QWidget* parent = nullptr);

private:
    QPlainTextEdit* m_text;
};

} // namespace fairy2::docks
