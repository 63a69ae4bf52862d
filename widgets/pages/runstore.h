// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/runrow.h"

#include <QObject>
#include <memory>

namespace fairy2::shell {
class Workspace;
}

namespace fairy2::pages {

/// The runs with their figures, read on the registry's thread whenever the registry changed; and the choices
/// that pages share. One per workspace, owned by it.
class RunStore final : public QObject {
    Q_OBJECT
public:
    [[nodiscard]] static RunStore& of(shell::Workspace& workspace);

    /// Newest first, archived ones included; empty before the first read.
    [[nodiscard]] const std::vector<itemmodels::RunRow>& rows() const noexcept { return m_rows; }
    [[nodiscard]] const itemmodels::RunRow* find(const std::string& uuid) const noexcept;
    [[nodiscard]] bool isRead() const noexcept { return m_read; }

    /// The run in the right panel of the Runs page; it may arrive in rows() later than here.
    [[nodiscard]] const std::string& current() const noexcept { return m_current; }
    void setCurrent(const std::string& uuid);

    /// Saves what the user wrote about a run, off the GUI thread, and looks at the registry again.
    void annotate(const std::string& uuid, const std::function<void(runs::Annotations&)>& change);

signals:
    void changed();
    void currentChanged();

private:
    explicit RunStore(shell::Workspace& workspace);
    void read();

    shell::Workspace& m_workspace;
    std::shared_ptr<itemmodels::RunRowReader> m_reader = std::make_shared<itemmodels::RunRowReader>();
    std::vector<itemmodels::RunRow> m_rows;
    std::string m_current;
    bool m_read = false;
    bool m_reading = false;
    bool m_again = false; ///< the registry changed while it was being read
};

} // namespace fairy2::pages
