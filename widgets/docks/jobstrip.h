// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>
#include <QList>

class QHBoxLayout;
class QPushButton;

namespace fairy2::shell {
class Job;
class JobRunner;
class ElidedLabel;
} // namespace fairy2::shell

namespace fairy2::docks {

/// The line above the status bar: what is running now, and the buttons that open the bottom docks.
class JobStrip : public QFrame {
    Q_OBJECT
public:
    explicit JobStrip(shell::JobRunner& jobs, QWidget* parent = nullptr);
    /// A button at the right end, or (`lead`) the bold one at the left, that follows the action.
    void addDockAction(QAction* action, bool lead = false);

private:
    void showJobs();

    shell::JobRunner& m_jobs;
    QHBoxLayout* m_row;
    QHBoxLayout* m_running;
    QList<QWidget*> m_items; ///< of the running jobs
    shell::ElidedLabel* m_idle;
};

} // namespace fairy2::docks
