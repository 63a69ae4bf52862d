// SPDX-License-Identifier: Apache-2.0
#include "pages/metricstore.h"

#include "pages/runstore.h"
#include "shell/registryservice.h"
#include "shell/workspace.h"

namespace fairy2::pages {

using itemmodels::RunMetrics;

MetricStore::MetricStore(shell::Workspace& workspace, QObject* parent)
    : QObject(parent), m_workspace(workspace) {
    connect(&RunStore::of(workspace), &RunStore::changed, this, &MetricStore::readWhatMoved);
}

void MetricStore::watch(const std::set<std::string>& uuids) {
    std::erase_if(m_entries, [&](const auto& entry) { return !uuids.contains(entry.first); });
    for (const auto& uuid : uuids)
        m_entries.try_emplace(uuid);
    readWhatMoved();
}

const RunMetrics* MetricStore::find(const std::string& uuid) const {
    const auto found = m_entries.find(uuid);
    return found == m_entries.end() || !found->second.isRead ? nullptr : &found->second.metrics;
}

void MetricStore::readWhatMoved() {
    for (auto& [uuid, entry] : m_entries) {
        const auto* row = RunStore::of(m_workspace).find(uuid);
        if (row == nullptr || entry.reading || entry.updated == row->summary.updated) continue;
        entry.reading = true;
        read(uuid, row->summary.updated);
    }
}

void MetricStore::read(const std::string& uuid, double updated) {
    m_workspace.registry().query<RunMetrics>(
        this,
        [uuid](runs::Registry& registry) -> base::Result<RunMetrics> {
            FAIRY2_ASSIGN(const auto tags, registry.metricTags(uuid));
            RunMetrics metrics;
            for (const auto& tag : tags) {
                FAIRY2_ASSIGN(const auto points, registry.metric(uuid, tag));
                auto& series = metrics.byTag[tag];
                for (const auto& [step, value] : points) {
                    series.steps.push_back(step);
                    series.values.push_back(value);
                }
            }
            return metrics;
        },
        [this, uuid, updated](base::Result<RunMetrics> metrics) {
            const auto entry = m_entries.find(uuid);
            if (entry == m_entries.end()) return;
            entry->second.reading = false;
            if (!metrics) return;
            entry->second.metrics = std::move(*metrics);
            entry->second.updated = updated;
            entry->second.isRead = true;
            emit changed(QString::fromStdString(uuid));
        });
}

} // namespace fairy2::pages
