// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "models/checkpoint.h"
#include "shell/jobrunner.h"

#include <QStringList>

#include <memory>

namespace fairy2::shell {

class ActionRegistry;
class LogStore;
class RegistryService;

/// The state that pages share: the open checkpoint, jobs, the registry, commands; and requests from one page
/// to the rest of the window.
class Workspace : public QObject {
    Q_OBJECT
public:
    explicit Workspace(QObject* parent = nullptr);
    ~Workspace() override;

    [[nodiscard]] JobRunner& jobs() { return *m_jobs; }
    [[nodiscard]] RegistryService& registry() { return *m_registry; }
    [[nodiscard]] ActionRegistry& actions() { return *m_actions; }
    [[nodiscard]] LogStore& log() { return *m_log; }

    /// The checkpoint on the Models page; null before the first.
    [[nodiscard]] const std::shared_ptr<const models::Checkpoint>& checkpoint() const { return m_checkpoint; }
    [[nodiscard]] bool isOpening() const { return m_opening.busy(); }
    [[nodiscard]] const QStringList& recent() const { return m_recent; } ///< newest first

    /// Where the bundled demo lies, whether or not it is there.
    [[nodiscard]] static QString demoPath();

public slots:
    /// Opens a folder, file or org/name on a worker; the newest request wins.
    void open(const QString& pathOrName);
    void openDemo();
    void clearRecent();

    /// Brings a page to the front.
    void requestPage(const QString& id);
    /// Opens a dialog of dialogEntries().
    void requestDialog(const QString& id, const QString& argument = {});
    /// Shows the Train page with these overrides in its box ("model.path=…", "training.stages=1").
    void requestTraining(const QStringList& overrides);
    /// A sentence in the window's notice bar until it is dismissed.
    void notify(const QString& text);

signals:
    void openingStarted(const QString& pathOrName);
    void checkpointChanged();
    void openFailed(const QString& pathOrName, const base::Error& error);
    void recentChanged();
    void pageRequested(const QString& id);
    void dialogRequested(const QString& id, const QString& argument);
    void trainingRequested(const QStringList& overrides);
    void noticed(const QString& text);

private:
    void remember(const QString& path);

    LogStore* m_log;
    ActionRegistry* m_actions;
    RegistryService* m_registry;
    JobRunner* m_jobs;
    std::shared_ptr<const models::Checkpoint> m_checkpoint;
    JobSlot m_opening;
    QStringList m_recent;
};

} // namespace fairy2::shell
