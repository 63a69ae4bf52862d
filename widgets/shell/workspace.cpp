// SPDX-License-Identifier: Apache-2.0
#include "shell/workspace.h"

#include "base/paths.h"
#include "shell/actionregistry.h"
#include "shell/logstore.h"
#include "shell/registryservice.h"
#include "shell/settings.h"

#include <QSettings>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr auto kRecentKey = "recent/models";
constexpr int kRecentModels = 10;

} // namespace

Workspace::Workspace(QObject* parent)
    : QObject(parent), m_log(new LogStore(this)), m_actions(new ActionRegistry(this)),
      m_registry(new RegistryService(this)), m_jobs(new JobRunner(this)),
      m_recent(settings().value(QLatin1StringView(kRecentKey)).toStringList()) {
    connect(m_jobs, &JobRunner::jobFailed, this, [this](const QString& title, const base::Error& error) {
        m_log->append(LogStore::Level::Error, title + u": "_s + QString::fromStdString(error.sentence()));
    });
}

Workspace::~Workspace() = default;

QString Workspace::demoPath() {
    return QString::fromStdString((base::dataDirectory() / "resources/demo/stories260K").string());
}

void Workspace::open(const QString& pathOrName) {
    emit openingStarted(pathOrName);
    m_jobs->run<std::shared_ptr<const models::Checkpoint>>(
        tr("Open %1").arg(pathOrName), this,
        [path = pathOrName.toStdString()](const JobControl&) { return models::Checkpoint::open(path); },
        [this, pathOrName](base::Result<std::shared_ptr<const models::Checkpoint>> opened) {
            if (!opened) {
                emit openFailed(pathOrName, opened.error());
                return;
            }
            m_checkpoint = std::move(*opened);
            remember(pathOrName);
            emit checkpointChanged();
        },
        &m_opening, JobRunner::Visibility::Quiet);
}

void Workspace::openDemo() {
    open(demoPath());
}

void Workspace::clearRecent() {
    m_recent.clear();
    settings().remove(QLatin1StringView(kRecentKey));
    emit recentChanged();
}

void Workspace::remember(const QString& path) {
    m_recent.removeAll(path);
    m_recent.prepend(path);
    while (m_recent.size() > kRecentModels)
        m_recent.removeLast();
    settings().setValue(QLatin1StringView(kRecentKey), m_recent);
    emit recentChanged();
}

void Workspace::requestPage(const QString& id) {
    emit pageRequested(id);
}

void Workspace::requestDialog(const QString& id, const QString& argument) {
    emit dialogRequested(id, argument);
}

void Workspace::requestTraining(const QStringList& overrides) {
    emit pageRequested(u"train"_s);
    emit trainingRequested(overrides);
}

void Workspace::notify(const QString& text) {
    m_log->append(LogStore::Level::Info, text);
    emit noticed(text);
}

} // namespace fairy2::shell
