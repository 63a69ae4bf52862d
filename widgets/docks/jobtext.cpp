// SPDX-License-Identifier: Apache-2.0
#include "docks/jobtext.h"

#include "shell/format.h"
#include "shell/job.h"

#include <QCoreApplication>
#include <QProgressBar>

using namespace Qt::StringLiterals;

namespace fairy2::docks {
namespace {

constexpr double kStallSeconds = 10;

struct Text {
    Q_DECLARE_TR_FUNCTIONS(Jobs)
};

QString runningText(const shell::Job& job) {
    if (job.secondsSinceProgress() > kStallSeconds)
        return Text::tr("no progress for %1").arg(shell::durationText(job.secondsSinceProgress()));
    if (job.total() <= 0) return shell::durationText(job.seconds());
    QString text = shell::percentText(static_cast<double>(job.done()) / static_cast<double>(job.total()), 0);
    if (job.secondsLeft() >= 0)
        text += u" · "_s + Text::tr("%1 left").arg(shell::durationText(job.secondsLeft()));
    return text;
}

} // namespace

QString jobText(const shell::Job& job) {
    switch (job.state()) {
    case shell::Job::State::Waiting:
        return Text::tr("waiting");
    case shell::Job::State::Running:
        return runningText(job);
    case shell::Job::State::Stopping:
        return Text::tr("stopping …");
    case shell::Job::State::Done:
        return Text::tr("done in %1").arg(shell::durationText(job.seconds()));
    case shell::Job::State::Failed:
        return Text::tr("failed: %1").arg(job.what());
    case shell::Job::State::Cancelled:
        return Text::tr("cancelled");
    }
    return {};
}

void setBar(QProgressBar& bar, const shell::Job& job) {
    constexpr int kSteps = 1000;
    if (job.state() == shell::Job::State::Running && job.total() <= 0) {
        bar.setRange(0, 0);
        return;
    }
    bar.setRange(0, kSteps);
    const double share = job.state() == shell::Job::State::Done ? 1.0
                         : job.total() <= 0
                             ? 0.0
                             : static_cast<double>(job.done()) / static_cast<double>(job.total());
    bar.setValue(static_cast<int>(share * kSteps));
}

} // namespace fairy2::docks
