// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/metricseries.h"

#include <QObject>
#include <memory>
#include <set>

namespace fairy2::shell {
class Workspace;
}

namespace fairy2::pages {

/// The curves of the runs that somebody looks at, read on the registry's thread and again whenever a run has
/// moved on.
class MetricStore final : public QObject {
    Q_OBJECT
public:
    explicit MetricStore(shell::Workspace& workspace, QObject* parent = nullptr);

    /// The runs to keep up to date; others are forgotten.
    void watch(const std::set<std::string>& uuids);
    /// Null until the first read.
    [[nodiscard]] const itemmodels::RunMetrics* find(const std::string& uuid) const;

signals:
    void changed(const QString& uuid);

private:
    struct Entry {
        itemmodels::RunMetrics metrics;
        double updated = -1; ///< of the summary when they were read
        bool isRead = false;
        bool reading = false;
    };
    void readWhatMoved();
    void read(const std::string& uuid, double updated);

    shell::Workspace& m_workspace;
    std::map<std::string, Entry> m_entries;
};

} // namespace fairy2::pages
