// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "base/result.h"

#include <QElapsedTimer>
#include <QObject>

#include <memory>

namespace fairy2::shell {

/// One piece of work off the GUI thread, as the Jobs dock shows it. Lives on the GUI thread.
class Job : public QObject {
    Q_OBJECT
public:
    enum class State { Waiting, Running, Stopping, Done, Failed, Cancelled };

    [[nodiscard]] const QString& title() const { return m_title; }
    [[nodiscard]] State state() const { return m_state; }
    [[nodiscard]] bool isOver() const;
    [[nodiscard]] std::int64_t done() const { return m_done; }
    [[nodiscard]] std::int64_t total() const { return m_total; } ///< 0 = not known
    [[nodiscard]] const QString& what() const { return m_what; } ///< the step it is at, or why it failed
    [[nodiscard]] double seconds() const;                        ///< since it started, or that it took
    [[nodiscard]] double secondsLeft() const;                    ///< < 0 = cannot be told yet
    /// How long nothing has moved; a bar never freezes silently.
    [[nodiscard]] double secondsSinceProgress() const;

public slots:
    /// Asks the work to end; its result is dropped.
    void cancel();

signals:
    void changed();
    void over();

private:
    friend class JobRunner;
    Job(const QString& title, QObject* parent) : QObject(parent), m_title(title) {}
    void start();
    void progress(std::int64_t done, std::int64_t total, const QString& what);
    void finish(State state, const QString& what);

    QString m_title;
    State m_state = State::Waiting;
    std::int64_t m_done = 0;
    std::int64_t m_total = 0;
    QString m_what;
    QElapsedTimer m_clock;
    QElapsedTimer m_sinceProgress;
    double m_took = 0;
    std::shared_ptr<base::Cancel> m_cancel = std::make_shared<base::Cancel>();
};

} // namespace fairy2::shell
