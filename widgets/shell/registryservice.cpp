// SPDX-License-Identifier: Apache-2.0
#include "shell/registryservice.h"

#include <QTimer>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr int kCatchUpMs = 500;
constexpr int kRetryMs = 5000;

bool sameState(const runs::RunSummary& a, const runs::RunSummary& b) {
    return a.uuid == b.uuid && a.updated == b.updated && a.state == b.state && a.step == b.step &&
           a.reason == b.reason && a.checkpoints.size() == b.checkpoints.size() &&
           a.annotations.name == b.annotations.name && a.annotations.tags == b.annotations.tags &&
           a.annotations.notes == b.annotations.notes && a.annotations.color == b.annotations.color &&
           a.annotations.archived == b.annotations.archived;
}

} // namespace

class RegistryService::Worker : public QObject {
public:
    explicit Worker(RegistryService* service) : m_service(service) {}

    void start() {
        m_timer = new QTimer(this);
        connect(m_timer, &QTimer::timeout, this, [this] { look(); });
        look();
    }

    void look() {
        const base::Result<runs::Registry*> registry = open();
        m_timer->start(registry ? kCatchUpMs : kRetryMs);
        if (!registry) {
            tell(QString::fromStdString(registry.error().sentence()), false);
            return;
        }
        const auto caughtUp = (*registry)->catchUp();
        auto runs = (*registry)->runs(true);
        if (!caughtUp || !runs) {
            const auto& error = caughtUp ? runs.error() : caughtUp.error();
            tell(QString::fromStdString(error.sentence()), false);
            return;
        }
        tell({}, !*caughtUp);
        if (m_last != nullptr &&
            std::equal(runs->begin(), runs->end(), m_last->begin(), m_last->end(), sameState))
            return;
        m_last = std::make_shared<const Runs>(std::move(*runs));
        m_service->toGui([service = m_service, runs = m_last] {
            service->m_runs = runs;
            emit service->runsChanged();
        });
    }

    base::Result<runs::Registry*> open() {
        if (m_registry == nullptr) {
            FAIRY2_ASSIGN(m_registry, runs::Registry::open());
        }
        return m_registry.get();
    }

private:
    void tell(const QString& failure, bool follower) {
        if (m_told && m_told->first == failure && m_told->second == follower) return;
        m_told = {failure, follower};
        m_service->toGui([service = m_service, failure, follower] {
            service->m_failure = failure;
            service->m_follower = follower;
            emit service->statusChanged();
        });
    }

    RegistryService* m_service;
    QTimer* m_timer = nullptr;
    std::unique_ptr<runs::Registry> m_registry;
    std::shared_ptr<const Runs> m_last;
    std::optional<std::pair<QString, bool>> m_told;
};

RegistryService::RegistryService(QObject* parent) : QObject(parent), m_worker(new Worker(this)) {
    m_thread.setObjectName(u"registry"_s);
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
}

RegistryService::~RegistryService() {
    if (!m_thread.isRunning()) {
        delete m_worker;
        return;
    }
    m_thread.quit();
    m_thread.wait();
}

void RegistryService::start() {
    if (m_thread.isRunning()) return;
    m_thread.start(QThread::LowPriority);
    QMetaObject::invokeMethod(
        m_worker, [worker = m_worker] { worker->start(); }, Qt::QueuedConnection);
}

const RegistryService::Runs& RegistryService::runs() const {
    static const Runs none;
    return m_runs == nullptr ? none : *m_runs;
}

const runs::RunSummary* RegistryService::find(const std::string& uuid) const {
    const auto& all = runs();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& run) { return run.uuid == uuid; });
    return found == all.end() ? nullptr : &*found;
}

void RegistryService::refresh() {
    if (!m_thread.isRunning()) return;
    QMetaObject::invokeMethod(
        m_worker, [worker = m_worker] { worker->look(); }, Qt::QueuedConnection);
}

void RegistryService::ask(std::function<void(base::Result<runs::Registry*>)> task) {
    start();
    QMetaObject::invokeMethod(
        m_worker, [worker = m_worker, task = std::move(task)] { task(worker->open()); },
        Qt::QueuedConnection);
}

void RegistryService::toGui(std::function<void()> call) {
    QMetaObject::invokeMethod(this, std::move(call), Qt::QueuedConnection);
}

} // namespace fairy2::shell
