// SPDX-License-Identifier: Apache-2.0
#include "guiapp.h"
#include "shell/jobrunner.h"

#include <QSemaphore>
#include <QSignalSpy>

#include <memory>

using namespace fairy2;
using namespace fairy2::shell;

class TestJobs : public QObject {
    Q_OBJECT
private slots:
    void deliversAResultOnTheGuiThread() {
        JobRunner runner;
        QObject context;
        int got = 0;
        QThread* thread = nullptr;
        auto* job = runner.run<int>(
            QStringLiteral("sum"), &context, [](const JobControl&) -> base::Result<int> { return 42; },
            [&](const base::Result<int>& result) {
                got = *result;
                thread = QThread::currentThread();
            });
        QTRY_COMPARE(got, 42);
        QCOMPARE(thread, QThread::currentThread());
        QCOMPARE(job->state(), Job::State::Done);
    }

    void tellsAFailureToTheReceiverAndToTheRunner() {
        JobRunner runner;
        QObject context;
        QSignalSpy failed(&runner, &JobRunner::jobFailed);
        QString message;
        auto* job = runner.run<int>(
            QStringLiteral("open"), &context,
            [](const JobControl&) -> base::Result<int> { return base::badInput("it is a pickle", "a.bin"); },
            [&](const base::Result<int>& result) {
                message = QString::fromStdString(result.error().message);
            });
        QTRY_COMPARE(message, QStringLiteral("it is a pickle"));
        QCOMPARE(failed.size(), 1);
        QCOMPARE(job->state(), Job::State::Failed);
        QVERIFY(job->what().contains(QStringLiteral("a.bin")));
    }

    void aCancelledJobEndsAndDeliversNothing() {
        JobRunner runner;
        QObject context;
        bool delivered = false;
        auto* job = runner.run<int>(
            QStringLiteral("long"), &context,
            [](const JobControl& control) -> base::Result<int> {
                while (!control.task().cancelled())
                    QThread::msleep(1);
                return base::cancelled();
            },
            [&](const base::Result<int>&) { delivered = true; });
        QTRY_COMPARE(job->state(), Job::State::Running);
        job->cancel();
        QTRY_COMPARE(job->state(), Job::State::Cancelled);
        QCoreApplication::processEvents();
        QVERIFY(!delivered);
    }

    void workThatIgnoresItsCancelStillDeliversNothing() {
        JobRunner runner;
        QObject context;
        QSemaphore go;
        bool delivered = false;
        auto* job = runner.run<int>(
            QStringLiteral("deaf"), &context,
            [&go](const JobControl&) -> base::Result<int> {
                go.acquire();
                return 1;
            },
            [&](const base::Result<int>&) { delivered = true; });
        QTRY_COMPARE(job->state(), Job::State::Running);
        job->cancel();
        go.release();
        QTRY_COMPARE(job->state(), Job::State::Cancelled);
        QVERIFY(!delivered);
    }

    void onlyTheNewestResultOfASlotArrives() {
        JobRunner runner;
        QObject context;
        JobSlot slot;
        QSemaphore go;
        QList<int> got;
        for (int i = 0; i < 3; ++i)
            runner.run<int>(
                QStringLiteral("plane"), &context,
                [i, &go](const JobControl&) -> base::Result<int> {
                    go.acquire();
                    return i;
                },
                [&](const base::Result<int>& result) { got.append(*result); }, &slot);
        go.release(3);
        QTRY_COMPARE(got, QList<int>{2});
        QTRY_VERIFY(!runner.isBusy());
        QCOMPARE(got, QList<int>{2});
    }

    void aResultOnItsWayIsDroppedWhenNewerWorkStarts() {
        JobRunner runner;
        QObject context;
        JobSlot slot;
        QSemaphore worked;
        QList<int> got;
        const auto start = [&](int value) {
            runner.run<int>(
                QStringLiteral("plane"), &context,
                [value, &worked](const JobControl&) -> base::Result<int> {
                    worked.release();
                    return value;
                },
                [&](const base::Result<int>& result) { got.append(*result); }, &slot);
        };
        start(1);
        worked.acquire(); // the first is done; its result waits in the event queue
        QThread::msleep(20);
        start(2);
        QTRY_COMPARE(got, QList<int>{2});
    }

    void nothingArrivesAtADestroyedContext() {
        JobRunner runner;
        auto context = std::make_unique<QObject>();
        QSemaphore go;
        bool delivered = false;
        runner.run<int>(
            QStringLiteral("page"), context.get(),
            [&go](const JobControl&) -> base::Result<int> {
                go.acquire();
                return 1;
            },
            [&](const base::Result<int>&) { delivered = true; });
        context.reset();
        go.release();
        QTRY_VERIFY(!runner.isBusy());
        QVERIFY(!delivered);
    }

    void postedPartsArriveInOrderBeforeTheResult() {
        JobRunner runner;
        QObject context;
        QList<int> order;
        runner.run<int>(
            QStringLiteral("stream"), &context,
            [&order](const JobControl& control) -> base::Result<int> {
                for (int i = 0; i < 5; ++i)
                    control.post([&order, i] { order.append(i); });
                return 5;
            },
            [&](const base::Result<int>& result) { order.append(*result); });
        QTRY_COMPARE(order, (QList<int>{0, 1, 2, 3, 4, 5}));
    }

    void progressReachesTheJob() {
        JobRunner runner;
        QObject context;
        QSemaphore go;
        auto* job = runner.run<int>(
            QStringLiteral("bar"), &context,
            [&go](const JobControl& control) -> base::Result<int> {
                control.task().progress(3, 10, "layer 3");
                go.acquire();
                return 0;
            },
            [](const base::Result<int>&) {});
        QTRY_COMPARE(job->done(), 3);
        QCOMPARE(job->total(), 10);
        QCOMPARE(job->what(), QStringLiteral("layer 3"));
        go.release();
        QTRY_COMPARE(job->state(), Job::State::Done);
        QCOMPARE(job->done(), 10);
    }

    void theDestructorCancelsAndJoins() {
        QObject context;
        std::atomic<int> ended{0};
        {
            JobRunner runner;
            for (int i = 0; i < 8; ++i)
                runner.run<int>(
                    QStringLiteral("endless"), &context,
                    [&ended](const JobControl& control) -> base::Result<int> {
                        while (!control.task().cancelled())
                            QThread::msleep(1);
                        ++ended;
                        return base::cancelled();
                    },
                    [](const base::Result<int>&) {});
            QTRY_COMPARE(runner.jobs().first()->state(), Job::State::Running);
        }
        QVERIFY(ended.load() > 0);
        QCoreApplication::processEvents(); // nothing of the dead runner may run now
    }

    void finishedJobsCanBeClearedAndTheListStaysBounded() {
        JobRunner runner;
        QObject context;
        int done = 0;
        for (int i = 0; i < 80; ++i)
            runner.run<int>(
                QStringLiteral("short"), &context, [](const JobControl&) -> base::Result<int> { return 0; },
                [&](const base::Result<int>&) { ++done; });
        QTRY_COMPARE(done, 80);
        QVERIFY(runner.jobs().size() <= 50);
        runner.clearFinished();
        QVERIFY(runner.jobs().isEmpty());
    }
};

FAIRY2_GUI_TEST_MAIN(TestJobs)
#include "tst_jobs.moc"
