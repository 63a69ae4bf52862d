// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/job.h"

#include <QList>
#include <QPointer>
#include <QThreadPool>

#include <functional>
#include <optional>

namespace fairy2::shell {

/// "Only the newest counts": work started through a slot cancels the slot's former work and drops its
/// result, also one that is already on its way to the GUI thread. A destroyed slot does the same.
class JobSlot {
public:
    JobSlot() = default;
    ~JobSlot() { clear(); }
    JobSlot(const JobSlot&) = delete;
    JobSlot& operator=(const JobSlot&) = delete;

    [[nodiscard]] bool busy() const { return m_job != nullptr && !m_job->isOver(); }
    [[nodiscard]] Job* job() const { return m_job; }
    void clear();

private:
    friend class JobRunner;
    QPointer<Job> m_job;
};

/// What work gets on its thread.
class JobControl {
public:
    /// Cancel flag and progress; progress reaches the GUI at most 20 times a second.
    [[nodiscard]] const base::Task& task() const { return m_task; }
    /// Runs `deliver` on the GUI thread, in order, before the result; dropped when the job is cancelled or
    /// superseded or its context is gone. For results that stream.
    void post(std::function<void()> deliver) const { m_post(std::move(deliver)); }

private:
    friend class JobRunner;
    base::Task m_task;
    std::function<void(std::function<void()>)> m_post;
};

/// Runs work off the GUI thread and brings its result back to it. The GUI thread never waits, except in the
/// destructor, which cancels everything and joins.
class JobRunner : public QObject {
    Q_OBJECT
public:
    explicit JobRunner(QObject* parent = nullptr);
    ~JobRunner() override;

    enum class Visibility {
        Shown, ///< in the Jobs dock and in the log
        Quiet, ///< short work that follows a click; only its failure is logged
    };

    /// Starts `work` on a worker thread and calls `done` with its result on the GUI thread, unless `context`
    /// is destroyed, the job is cancelled or `slot` got newer work by then. What `work` captures must be
    /// shared or copied. The job belongs to the runner and is deleted some time after it is over.
    template <typename T>
    Job* run(const QString& title, QObject* context, std::function<base::Result<T>(const JobControl&)> work,
             std::function<void(base::Result<T>)> done, JobSlot* slot = nullptr,
             Visibility visibility = Visibility::Shown) {
        auto result = std::make_shared<std::optional<base::Result<T>>>();
        return start(
            title, context,
            [work = std::move(work), result](const JobControl& control) -> std::optional<base::Error> {
                result->emplace(work(control));
                if ((*result)->has_value()) return std::nullopt;
                return (*result)->error();
            },
            [done = std::move(done), result] { done(std::move(**result)); }, slot, visibility);
    }

    [[nodiscard]] const QList<Job*>& jobs() const { return m_jobs; } ///< shown ones, oldest first
    [[nodiscard]] int running() const;                               ///< shown ones that are not over
    [[nodiscard]] bool isBusy() const;                               ///< anything, also quiet work

public slots:
    void cancelAll();
    /// Takes finished jobs out of the list.
    void clearFinished();

signals:
    void jobAdded(Job* job);
    void jobRemoved(Job* job);
    void jobChanged(Job* job);
    /// A job failed and nobody else will say so unless the receiver of its result does.
    void jobFailed(const QString& title, const base::Error& error);

private:
    using Work = std::function<std::optional<base::Error>(const JobControl&)>;
    Job* start(const QString& title, QObject* context, Work work, std::function<void()> done, JobSlot* slot,
               Visibility visibility);
    void finish(Job* job, const std::optional<base::Error>& error);

    QThreadPool m_pool;
    QList<Job*> m_jobs;
};

} // namespace fairy2::shell
