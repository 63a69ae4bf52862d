// SPDX-License-Identifier: Apache-2.0
#include "shell/job.h"

namespace fairy2::shell {

bool Job::isOver() const {
    return m_state == State::Done || m_state == State::Failed || m_state == State::Cancelled;
}

double Job::seconds() const {
    if (isOver()) return m_took;
    return m_clock.isValid() ? static_cast<double>(m_clock.elapsed()) / 1000.0 : 0;
}

double Job::secondsLeft() const {
    constexpr double kTooEarly = 0.5;
    if (m_state != State::Running || m_total <= 0 || m_done <= 0 || seconds() < kTooEarly) return -1;
    return seconds() / static_cast<double>(m_done) * static_cast<double>(m_total - m_done);
}

double Job::secondsSinceProgress() const {
    return m_sinceProgress.isValid() && !isOver() ? static_cast<double>(m_sinceProgress.elapsed()) / 1000.0
                                                  : 0;
}

void Job::cancel() {
    if (isOver()) return;
    m_cancel->request();
    m_state = State::Stopping;
    emit changed();
}

void Job::start() {
    m_clock.start();
    m_sinceProgress.start();
    if (m_state == State::Waiting) m_state = State::Running;
    emit changed();
}

void Job::progress(std::int64_t done, std::int64_t total, const QString& what) {
    if (isOver()) return;
    m_done = done;
    m_total = total;
    m_what = what;
    m_sinceProgress.start();
    emit changed();
}

void Job::finish(State state, const QString& what) {
    m_took = seconds();
    m_state = state;
    m_what = what;
    if (state == State::Done && m_total > 0) m_done = m_total;
    emit changed();
    emit over();
}

} // namespace fairy2::shell
