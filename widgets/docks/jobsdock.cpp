// SPDX-License-Identifier: Apache-2.0
#include "docks/jobsdock.h"

#include "docks/jobtext.h"
#include "shell/elidedlabel.h"
#include "shell/jobrunner.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QTimer>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::docks {
namespace {

class JobRow : public QWidget {
public:
    explicit JobRow(shell::Job* job)
        : m_job(job), m_bar(new QProgressBar), m_what(new shell::ElidedLabel), m_text(new shell::ElidedLabel),
          m_cancel(new QPushButton(QObject::tr("Cancel"))) {
        auto* row = new QHBoxLayout(this);
        row->setContentsMargins(12, 2, 12, 2);
        row->setSpacing(12);
        auto* title = new shell::ElidedLabel(job->title());
        title->setFixedWidth(260);
        m_bar->setFixedWidth(160);
        m_bar->setTextVisible(false);
        m_bar->setAccessibleName(job->title());
        m_text->setProperty("role", u"secondary"_s);
        m_what->setProperty("role", u"secondary"_s);
        m_what->setElideMode(Qt::ElideMiddle);
        m_cancel->setObjectName(u"cancelJob"_s);
        m_cancel->setAccessibleName(QObject::tr("Cancel %1").arg(job->title()));
        row->addWidget(title);
        row->addWidget(m_bar, 0, Qt::AlignVCenter);
        row->addWidget(m_text, 1);
        row->addWidget(m_what, 1);
        row->addWidget(m_cancel);
        connect(m_cancel, &QPushButton::clicked, job, &shell::Job::cancel);
        connect(job, &shell::Job::changed, this, &JobRow::refresh);
        connect(job, &QObject::destroyed, this, &QObject::deleteLater);
        auto* timer = new QTimer(this);
        connect(timer, &QTimer::timeout, this, &JobRow::refresh);
        connect(job, &shell::Job::over, timer, &QTimer::stop);
        timer->start(1000);
        refresh();
    }

private:
    void refresh() {
        if (m_job == nullptr) return;
        setBar(*m_bar, *m_job);
        m_text->setText(jobText(*m_job));
        m_what->setText(m_job->state() == shell::Job::State::Failed ? QString() : m_job->what());
        const bool live =
            m_job->state() == shell::Job::State::Running || m_job->state() == shell::Job::State::Waiting;
        m_cancel->setVisible(live);
    }

    QPointer<shell::Job> m_job;
    QProgressBar* m_bar;
    shell::ElidedLabel* m_what;
    shell::ElidedLabel* m_text;
    QPushButton* m_cancel;
};

} // namespace

JobsDock::JobsDock(shell::JobRunner& jobs, QWidget* parent)
    : QWidget(parent), m_jobs(jobs), m_list(new QVBoxLayout),
      m_empty(
          new QLabel(tr("No jobs yet. Analysis, evaluation and exports appear here with their progress."))) {
    setObjectName(u"jobsDock"_s);
    auto* inside = new QWidget;
    m_list->setContentsMargins(0, 4, 0, 4);
    m_list->setSpacing(0);
    m_list->addStretch();
    inside->setLayout(m_list);
    auto* scroll = new QScrollArea;
    scroll->setWidget(inside);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    auto* clear = new QPushButton(tr("Clear finished"));
    clear->setObjectName(u"clearJobs"_s);
    clear->setAccessibleName(clear->text());
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 8);
    m_empty->setProperty("role", u"secondary"_s);
    m_empty->setContentsMargins(12, 8, 12, 8);
    column->addWidget(m_empty);
    column->addWidget(scroll, 1);
    auto* foot = new QHBoxLayout;
    foot->setContentsMargins(12, 0, 12, 0);
    foot->addStretch();
    foot->addWidget(clear);
    column->addLayout(foot);
    connect(clear, &QPushButton::clicked, &jobs, &shell::JobRunner::clearFinished);
    connect(&jobs, &shell::JobRunner::jobAdded, this, &JobsDock::add);
    connect(&jobs, &shell::JobRunner::jobRemoved, this, [this] { showEmpty(); });
    for (auto* job : jobs.jobs())
        add(job);
    showEmpty();
}

void JobsDock::add(shell::Job* job) {
    m_list->insertWidget(0, new JobRow(job));
    showEmpty();
}

void JobsDock::showEmpty() {
    m_empty->setVisible(m_jobs.jobs().isEmpty());
}

} // namespace fairy2::docks
