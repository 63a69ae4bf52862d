// SPDX-License-Identifier: Apache-2.0
#include "shell/jobrunner.h"

#include "base/threads.h"

#include <QThread>

#include <algorithm>
#include <utility>

namespace fairy2::shell {
namespace {

constexpr int kKeptFinishedJobs = 50;
constexpr qint64 kProgressIntervalMs = 50;

// Shared by the worker and the GUI thread; alive as long as either needs it.
struct Delivery {
    QPointer<QObject> context; // read on the GUI thread only
    QPointer<Job> job;
    std::shared_ptr<base::Cancel> cancel;

    [[nodiscard]] bool wanted() const { return context != nullptr && job != nullptr && !cancel->requested(); }
};

} // namespace

void JobSlot::clear() {
    if (m_job != nullptr) m_job->cancel();
    m_job = nullptr;
}

JobRunner::JobRunner(QObject* parent) : QObject(parent) {
    // Heavy work spreads over the cores by itself; the further threads keep clicks quick beside it.
    m_pool.setMaxThreadCount(std::max(4, base::threadCount()));
}

JobRunner::~JobRunner() {
    for (auto* job : findChildren<Job*>(QString(), Qt::FindDirectChildrenOnly))
        job->m_cancel->request();
    m_pool.clear();
    m_pool.waitForDone();
}

int JobRunner::running() const {
    return static_cast<int>(
        std::count_if(m_jobs.begin(), m_jobs.end(), [](const Job* job) { return !job->isOver(); }));
}

bool JobRunner::isBusy() const {
    const auto all = findChildren<Job*>(QString(), Qt::FindDirectChildrenOnly);
    return std::any_of(all.begin(), all.end(), [](const Job* job) { return !job->isOver(); });
}

void JobRunner::cancelAll() {
    for (auto* job : findChildren<Job*>(QString(), Qt::FindDirectChildrenOnly))
        job->cancel();
}

void JobRunner::clearFinished() {
    const auto jobs = m_jobs;
    for (auto* job : jobs) {
        if (!job->isOver()) continue;
        m_jobs.removeOne(job);
        emit jobRemoved(job);
        job->deleteLater();
    }
}

Job* JobRunner::start(const QString& title, QObject* context, Work work, std::function<void()> done,
                      JobSlot* slot, Visibility visibility) {
    auto* job = new Job(title, this);
    if (slot != nullptr) {
        slot->clear();
        slot->m_job = job;
    }
    if (visibility == Visibility::Shown) {
        m_jobs.append(job);
        connect(job, &Job::changed, this, [this, job] { emit jobChanged(job); });
        emit jobAdded(job);
    }

    const auto delivery = std::make_shared<Delivery>(Delivery{context, job, job->m_cancel});
    // Every hop to the GUI thread goes through the runner, which outlives the worker threads.
    const auto toGui = [this](std::function<void()> call) {
        QMetaObject::invokeMethod(this, std::move(call), Qt::QueuedConnection);
    };
    m_pool.start(
        [this, delivery, toGui, cancel = job->m_cancel, work = std::move(work), done = std::move(done)] {
            toGui([delivery] {
                if (delivery->job != nullptr) delivery->job->start();
            });
            JobControl control;
            control.m_task.cancel = cancel.get();
            QElapsedTimer sinceReport;
            control.m_task.report = [delivery, toGui, sinceReport](std::int64_t doneUnits, std::int64_t total,
                                                                   const std::string& what) mutable {
                const bool last = total > 0 && doneUnits >= total;
                if (!last && sinceReport.isValid() && sinceReport.elapsed() < kProgressIntervalMs) return;
                sinceReport.start();
                toGui([delivery, doneUnits, total, text = QString::fromStdString(what)] {
                    if (delivery->job != nullptr) delivery->job->progress(doneUnits, total, text);
                });
            };
            control.m_post = [delivery, toGui](std::function<void()> deliver) {
                toGui([delivery, deliver = std::move(deliver)] {
                    if (delivery->wanted()) deliver();
                });
            };
            std::optional<base::Error> error =
                cancel->requested() ? std::optional(base::cancelled().value()) : work(control);
            toGui([this, delivery, error = std::move(error), done] {
                const bool cancelled = error && error->code == base::ErrorCode::Cancelled;
                const bool wanted = delivery->wanted() && !cancelled;
                if (delivery->job != nullptr) finish(delivery->job, error);
                if (wanted) done();
            });
        });
    return job;
}

void JobRunner::finish(Job* job, const std::optional<base::Error>& error) {
    const bool cancelled = job->m_cancel->requested() || (error && error->code == base::ErrorCode::Cancelled);
    if (cancelled) job->finish(Job::State::Cancelled, {});
    if (!cancelled && error) {
        job->finish(Job::State::Failed, QString::fromStdString(error->sentence()));
        emit jobFailed(job->title(), *error);
    }
    if (!cancelled && !error) job->finish(Job::State::Done, {});
    if (!m_jobs.contains(job)) {
        job->deleteLater();
        return;
    }
    if (m_jobs.size() <= kKeptFinishedJobs) return;
    const auto oldest = std::find_if(m_jobs.begin(), m_jobs.end(), [](const Job* j) { return j->isOver(); });
    Job* const gone = *oldest;
    m_jobs.erase(oldest);
    emit jobRemoved(gone);
    gone->deleteLater();
}

} // namespace fairy2::shell
