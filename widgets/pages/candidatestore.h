// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/candidatesmodel.h"

#include <QObject>
#include <QStringList>

namespace fairy2::shell {
class Workspace;
}

namespace fairy2::pages {

/// Every checkpoint that the window knows: the open model, those of all runs, and what the user added. One
/// per workspace, owned by it; pages ask others to look at checkpoints through it.
class CandidateStore final : public QObject {
    Q_OBJECT
public:
    [[nodiscard]] static CandidateStore& of(shell::Workspace& workspace);

    /// The open model first, then runs from the newest, each from its latest checkpoint, then added ones.
    [[nodiscard]] const std::vector<itemmodels::Candidate>& all() const noexcept { return m_all; }
    /// A folder, file or org/name that belongs to no run of the registry.
    void add(const QString& path);

    /// Asks the Evaluate or the Compare page to check this checkpoint; heard also by a page made later.
    void request(const QString& page, const QString& path);
    /// What was requested for a page since it last asked.
    [[nodiscard]] QStringList takeRequests(const QString& page);

signals:
    void changed();
    void requested(const QString& page);

private:
    explicit CandidateStore(shell::Workspace& workspace);
    void collect();

    shell::Workspace& m_workspace;
    std::vector<itemmodels::Candidate> m_all;
    QStringList m_added;
    QMap<QString, QStringList> m_requests;
};

} // namespace fairy2::pages
