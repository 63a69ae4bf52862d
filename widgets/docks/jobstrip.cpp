// SPDX-License-Identifier: Apache-2.0
#include "docks/jobstrip.h"

#include "docks/jobtext.h"
#include "shell/elidedlabel.h"
#include "shell/jobrunner.h"

#include <QAction>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QTimer>

using namespace Qt::StringLiterals;

namespace fairy2::docks {
namespace {

constexpr int kShownJobs = 3;

// One running job in the strip; rebuilt only when the set of jobs changes.
class JobItem : public QWidget {
public:
    explicit JobItem(shell::Job* job) : m_job(job), m_bar(new QProgressBar), m_text(new QLabel) {
        auto* row = new QHBoxLayout(this);
        row->setContentsMargins(0, 0, 16, 0);
        row->setSpacing(12);
        auto* title = new shell::ElidedLabel(job->title());
        title->setProperty("role", u"secondary"_s);
        m_bar->setFixedWidth(90);
        m_bar->setTextVisible(false);
        m_bar->setAccessibleName(job->title());
        m_text->setProperty("role", u"secondary"_s);
        row->addWidget(title);
        row->addWidget(m_bar, 0, Qt::AlignVCenter);
        row->addWidget(m_text);
        connect(job, &shell::Job::changed, this, &JobItem::refresh);
        auto* timer = new QTimer(this);
        connect(timer, &QTimer::timeout, this, &JobItem::refresh);
        timer->start(1000);
        refresh();
    }

private:
    void refresh() {
        if (m_job == nullptr) return;
        setBar(*m_bar, *m_job);
        m_text->setText(jobText(*m_job));
    }

    QPointer<shell::Job> m_job;
    QProgressBar* m_bar;
    QLabel* m_text;
};

} // namespace

JobStrip::JobStrip(shell::JobRunner& jobs, QWidget* parent)
    : QFrame(parent), m_jobs(jobs), m_row(new QHBoxLayout(this)), m_running(new QHBoxLayout),
      m_idle(new shell::ElidedLabel(tr("idle"))) {
    setObjectName(u"jobStrip"_s);
    setFixedHeight(36);
    m_row->setContentsMargins(4, 1, 4, 0);
    m_row->setSpacing(4);
    m_idle->setProperty("role", u"secondary"_s);
    m_running->setSpacing(0);
    m_running->addWidget(m_idle);
    m_row->addLayout(m_running);
    m_row->addStretch();
    connect(&jobs, &shell::JobRunner::jobAdded, this, &JobStrip::showJobs);
    connect(&jobs, &shell::JobRunner::jobRemoved, this, &JobStrip::showJobs);
    connect(&jobs, &shell::JobRunner::jobChanged, this, [this](const shell::Job* job) {
        if (job->isOver()) showJobs();
    });
}

void JobStrip::addDockAction(QAction* action, bool lead) {
    auto* button = new QPushButton(action->text());
    button->setObjectName(u"dockButton."_s + action->objectName());
    button->setAccessibleName(action->text());
    button->setProperty("role", u"flat"_s);
    button->setCheckable(true);
    button->setChecked(action->isChecked());
    if (lead) {
        QFont strong = button->font();
        strong.setBold(true);
        button->setFont(strong);
    }
    connect(button, &QPushButton::clicked, action, &QAction::trigger);
    connect(action, &QAction::toggled, button, &QPushButton::setChecked);
    m_row->insertWidget(lead ? 0 : m_row->count(), button);
}

void JobStrip::showJobs() {
    qDeleteAll(m_items);
    m_items.clear();
    int shown = 0;
    int waiting = 0;
    QString last;
    for (auto* job : m_jobs.jobs()) {
        if (job->isOver()) {
            last = job->title() + u" · "_s + jobText(*job);
        } else if (++shown <= kShownJobs) {
            m_items.append(new JobItem(job));
            m_running->insertWidget(m_running->count() - 1, m_items.back());
        } else {
            ++waiting;
        }
    }
    m_idle->setVisible(shown == 0 || waiting > 0);
    m_idle->setText(waiting > 0 ? tr("and %n more", nullptr, waiting) : last.isEmpty() ? tr("idle") : last);
}

} // namespace fairy2::docks
