// SPDX-License-Identifier: Apache-2.0
#include "models/candidatesmodel.h"

#include "models/figuretext.h"
#include "models/roles.h"
#include "shell/colors.h"
#include "shell/theme.h"

#include <algorithm>

namespace fairy2::itemmodels {

void CandidatesModel::setCandidates(std::vector<Candidate> candidates) {
    if (candidates == m_candidates) return;
    beginResetModel();
    m_candidates = std::move(candidates);
    endResetModel();
    const auto before = m_checked.size();
    m_checked.removeIf([this](const QString& path) {
        return std::none_of(m_candidates.begin(), m_candidates.end(),
                            [&](const Candidate& candidate) { return candidate.path == path; });
    });
    if (m_checked.size() != before) emit checkedChanged();
}

void CandidatesModel::setChecked(const QString& path, bool checked) {
    if (m_checked.contains(path) == checked) return;
    const auto found = std::find_if(m_candidates.begin(), m_candidates.end(),
                                    [&](const Candidate& candidate) { return candidate.path == path; });
    if (found == m_candidates.end()) return;
    if (checked)
        m_checked.insert(path);
    else
        m_checked.remove(path);
    const auto cell = index(static_cast<int>(found - m_candidates.begin()), Label);
    emit dataChanged(cell, cell, {Qt::CheckStateRole});
    emit checkedChanged();
}

std::vector<Candidate> CandidatesModel::checked() const {
    std::vector<Candidate> chosen;
    for (const auto& candidate : m_candidates)
        if (m_checked.contains(candidate.path)) chosen.push_back(candidate);
    return chosen;
}

int CandidatesModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_candidates.size());
}

int CandidatesModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant CandidatesModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const Candidate& at = candidate(index.row());
    const bool isLabel = index.column() == Label;
    switch (role) {
    case Qt::DisplayRole:
    case RawRole:
        return isLabel ? at.label : at.detail;
    case Qt::ToolTipRole:
    case IdRole:
        return at.path;
    case Qt::CheckStateRole:
        return isLabel ? QVariant(m_checked.contains(at.path) ? Qt::Checked : Qt::Unchecked) : QVariant();
    case Qt::ForegroundRole:
        return isLabel ? QVariant() : QVariant(shell::Theme::instance().colors().secondary);
    case Qt::TextAlignmentRole:
        return alignment(!isLabel);
    case SwatchRole:
        return isLabel ? QVariant(shell::runColor(at.color)) : QVariant();
    default:
        return {};
    }
}

QVariant CandidatesModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) return alignment(section != Label);
    if (role != Qt::DisplayRole) return {};
    return section == Label ? tr("checkpoint") : tr("from");
}

Qt::ItemFlags CandidatesModel::flags(const QModelIndex& index) const {
    auto flags = QAbstractTableModel::flags(index);
    if (index.isValid() && index.column() == Label) flags |= Qt::ItemIsUserCheckable;
    return flags;
}

bool CandidatesModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (role != Qt::CheckStateRole || !checkIndex(index, CheckIndexOption::IndexIsValid)) return false;
    setChecked(candidate(index.row()).path, value.toInt() == Qt::Checked);
    return true;
}

} // namespace fairy2::itemmodels
