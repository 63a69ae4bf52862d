// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/registry.h"

#include <QObject>
#include <QPointer>
#include <QThread>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace fairy2::shell {

/// The registry on a thread of its own: catches up with the run directories all the time, tells the window
/// what changed, and answers queries without ever making the GUI thread wait.
class RegistryService : public QObject {
    Q_OBJECT
public:
    using Runs = std::vector<runs::RunSummary>;

    explicit RegistryService(QObject* parent = nullptr);
    ~RegistryService() override;

    /// Opens the registry and begins to watch. The window calls it after its first paint.
    void start();
    [[nodiscard]] bool isReady() const { return m_runs != nullptr; }

    /// What was last read, archived runs included, newest first; empty before the first read.
    [[nodiscard]] const Runs& runs() const;
    [[nodiscard]] const runs::RunSummary* find(const std::string& uuid) const;
    /// The sentence why there is no registry, or empty.
    [[nodiscard]] const QString& failure() const { return m_failure; }
    /// Another window keeps the index up to date; what is shown may lag behind it by seconds.
    [[nodiscard]] bool isFollower() const { return m_follower; }

    /// Runs `question` on the registry's thread and `answer` on the GUI thread while `context` lives.
    /// Questions are answered in order; keep each short.
    template <typename T>
    void query(QObject* context, std::function<base::Result<T>(runs::Registry&)> question,
               std::function<void(base::Result<T>)> answer) {
        ask([this, guard = QPointer<QObject>(context), question = std::move(question),
             answer = std::move(answer)](base::Result<runs::Registry*> registry) {
            auto result = std::make_shared<base::Result<T>>(
                registry ? question(**registry) : base::Result<T>(tl::unexpected(registry.error())));
            toGui([guard, answer, result] {
                if (guard != nullptr) answer(std::move(*result));
            });
        });
    }

public slots:
    /// Looks at once, e.g. after an annotation was saved or a run was started.
    void refresh();

signals:
    /// runs() is different now.
    void runsChanged();
    /// failure() or isFollower() is different now.
    void statusChanged();

private:
    class Worker;
    void ask(std::function<void(base::Result<runs::Registry*>)> task);
    void toGui(std::function<void()> call);

    QThread m_thread;
    Worker* m_worker; // lives on m_thread
    std::shared_ptr<const Runs> m_runs;
    QString m_failure;
    bool m_follower = false;
};

} // namespace fairy2::shell
