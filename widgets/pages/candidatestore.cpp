// SPDX-License-Identifier: Apache-2.0
#include "pages/candidatestore.h"

#include "models/figuretext.h"
#include "pages/runstore.h"
#include "shell/workspace.h"

#include <QDir>
#include <algorithm>

namespace fairy2::pages {
namespace {

using itemmodels::Candidate;

QString baseModelOf(const base::Json& config) {
    static const base::Json::json_pointer kPath("/model/path");
    if (!config.is_object() || !config.contains(kPath) || !config[kPath].is_string()) return {};
    return QString::fromStdString(config[kPath].get<std::string>());
}

void append(std::vector<Candidate>& all, Candidate candidate) {
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const Candidate& other) { return other.path == candidate.path; });
    if (!known && !candidate.path.isEmpty()) all.push_back(std::move(candidate));
}

} // namespace

CandidateStore& CandidateStore::of(shell::Workspace& workspace) {
    auto* store = workspace.findChild<CandidateStore*>({}, Qt::FindDirectChildrenOnly);
    if (store == nullptr) store = new CandidateStore(workspace);
    return *store;
}

CandidateStore::CandidateStore(shell::Workspace& workspace) : QObject(&workspace), m_workspace(workspace) {
    connect(&workspace, &shell::Workspace::checkpointChanged, this, &CandidateStore::collect);
    connect(&RunStore::of(workspace), &RunStore::changed, this, &CandidateStore::collect);
    collect();
}

void CandidateStore::add(const QString& path) {
    if (m_added.contains(path)) return;
    m_added << path;
    collect();
}

void CandidateStore::request(const QString& page, const QString& path) {
    m_requests[page] << path;
    emit requested(page);
}

QStringList CandidateStore::takeRequests(const QString& page) {
    return m_requests.take(page);
}

void CandidateStore::collect() {
    std::vector<Candidate> all;
    std::vector<Candidate> ofRuns;
    for (const auto& row : RunStore::of(m_workspace).rows()) {
        if (row.summary.annotations.archived) continue;
        auto checkpoints = row.summary.checkpoints;
        std::sort(checkpoints.begin(), checkpoints.end(),
                  [](const auto& a, const auto& b) { return a.step > b.step; });
        const QString name = QString::fromStdString(itemmodels::displayName(row.summary));
        for (const auto& entry : checkpoints) {
            Candidate candidate;
            candidate.path = QString::fromStdString(entry.path.string());
            candidate.label = entry.step == checkpoints.front().step
                                  ? name
                                  : tr("%1 · step %2").arg(name, shell::countText(entry.step));
            candidate.detail = tr("run, step %1").arg(shell::countText(entry.step));
            candidate.color = row.color;
            candidate.run = row.summary.uuid;
            candidate.baseModel = baseModelOf(row.summary.config);
            ofRuns.push_back(std::move(candidate));
        }
    }
    if (const auto& open = m_workspace.checkpoint()) {
        const QString path = QString::fromStdString(open->path().string());
        const auto ofRun = std::find_if(ofRuns.begin(), ofRuns.end(),
                                        [&](const Candidate& candidate) { return candidate.path == path; });
        // A checkpoint of a run keeps its name and colour although it is the open model too.
        append(
            all,
            ofRun != ofRuns.end()
                ? *ofRun
                : Candidate{path, QString::fromStdString(open->displayName()), tr("open model"), -1, {}, {}});
    }
    for (auto& candidate : ofRuns)
        append(all, std::move(candidate));
    for (const auto& path : m_added)
        append(all, {path, QDir(path).dirName(), tr("added"), -1, {}, {}});
    if (all == m_all) return;
    m_all = std::move(all);
    emit changed();
}

} // namespace fairy2::pages
