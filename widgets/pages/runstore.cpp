// SPDX-License-Identifier: Apache-2.0
#include "pages/runstore.h"

#include "shell/registryservice.h"
#include "shell/workspace.h"

#include <algorithm>

namespace fairy2::pages {

using itemmodels::RunRow;
using Rows = std::vector<RunRow>;

RunStore& RunStore::of(shell::Workspace& workspace) {
    auto* store = workspace.findChild<RunStore*>({}, Qt::FindDirectChildrenOnly);
    if (store == nullptr) store = new RunStore(workspace);
    return *store;
}

RunStore::RunStore(shell::Workspace& workspace) : QObject(&workspace), m_workspace(workspace) {
    connect(&workspace.registry(), &shell::RegistryService::runsChanged, this, &RunStore::read);
    read();
}

const RunRow* RunStore::find(const std::string& uuid) const noexcept {
    const auto found = std::find_if(m_rows.begin(), m_rows.end(),
                                    [&](const RunRow& row) { return row.summary.uuid == uuid; });
    return found == m_rows.end() ? nullptr : &*found;
}

void RunStore::setCurrent(const std::string& uuid) {
    if (uuid == m_current) return;
    m_current = uuid;
    emit currentChanged();
}

void RunStore::read() {
    m_again = m_reading;
    if (m_reading) return;
    m_reading = true;
    m_workspace.registry().query<Rows>(
        this, [reader = m_reader](runs::Registry& registry) { return reader->read(registry, true); },
        [this](base::Result<Rows> rows) {
            m_reading = false;
            if (rows) {
                m_rows = std::move(*rows);
                m_read = true;
                emit changed();
            }
            if (m_again) read();
        });
}

void RunStore::annotate(const std::string& uuid, const std::function<void(runs::Annotations&)>& change) {
    const RunRow* row = find(uuid);
    if (row == nullptr) return;
    m_workspace.jobs().run<bool>(
        tr("Saving notes"), this,
        [directory = row->summary.directory, change](const shell::JobControl&) -> base::Result<bool> {
            FAIRY2_ASSIGN(const auto run, runs::RunDirectory::open(directory));
            FAIRY2_ASSIGN(auto annotations, run.annotations());
            change(annotations);
            FAIRY2_TRY(run.setAnnotations(annotations));
            return true;
        },
        [this](base::Result<bool> saved) {
            if (!saved) m_workspace.notify(QString::fromStdString(saved.error().sentence()));
            m_workspace.registry().refresh();
        },
        nullptr, shell::JobRunner::Visibility::Quiet);
}

} // namespace fairy2::pages
