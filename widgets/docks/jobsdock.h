// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QWidget>

class QVBoxLayout;

namespace fairy2::shell {
class Job;
class JobRunner;
} // namespace fairy2::shell

namespace fairy2::docks {

/// Every job of this session: bar, step, time left, Cancel; newest first.
class JobsDock : public QWidget {
    Q_OBJECT
public:
    explicit JobsDock(shell::JobRunner& jobs, QWidget* parent = nullptr);

private:
    void add(shell::Job* job);
    void showEmpty();

    shell::JobRunner& m_jobs;
    QVBoxLayout* m_list;
    QWidget* m_empty;
};

} // namespace fairy2::docks
