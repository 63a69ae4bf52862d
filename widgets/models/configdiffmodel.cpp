// SPDX-License-Identifier: Apache-2.0
#include "models/configdiffmodel.h"

#include "models/configtext.h"
#include "models/figuretext.h"
#include "models/roles.h"
#include "shell/colors.h"

#include <algorithm>
#include <set>

namespace fairy2::itemmodels {
namespace {

bool countsAsDifference(const std::string& key) {
    return !key.starts_with("run.");
}

} // namespace

void ConfigDiffModel::setSubjects(std::vector<Subject> subjects) {
    beginResetModel();
    m_subjects = std::move(subjects);
    m_rows.clear();
    std::vector<std::map<std::string, base::Json>> flat;
    std::set<std::string> keys;
    for (const auto& subject : m_subjects) {
        flat.push_back(flattenConfig(subject.config));
        for (const auto& [key, value] : flat.back())
            keys.insert(key);
    }
    for (const auto& key : keys) {
        Row row{QString::fromStdString(key), {}, false};
        for (const auto& leaves : flat) {
            const auto found = leaves.find(key);
            row.values.push_back(found == leaves.end() ? QStringLiteral("–") : configText(found->second));
        }
        row.differs =
            countsAsDifference(key) && std::any_of(row.values.begin(), row.values.end(),
                                                   [&](const auto& v) { return v != row.values.front(); });
        m_rows.push_back(std::move(row));
    }
    const auto firstEqual =
        std::stable_partition(m_rows.begin(), m_rows.end(), [](const Row& row) { return row.differs; });
    m_differences = static_cast<int>(firstEqual - m_rows.begin());
    endResetModel();
}

void ConfigDiffModel::setDifferencesOnly(bool only) {
    if (only == m_differencesOnly) return;
    const int all = static_cast<int>(m_rows.size());
    const bool changesRows = all > m_differences;
    if (changesRows && only) beginRemoveRows({}, m_differences, all - 1);
    if (changesRows && !only) beginInsertRows({}, m_differences, all - 1);
    m_differencesOnly = only;
    if (changesRows && only) endRemoveRows();
    if (changesRows && !only) endInsertRows();
}

int ConfigDiffModel::rowCount(const QModelIndex& parent) const {
    if (parent.isValid()) return 0;
    return m_differencesOnly ? m_differences : static_cast<int>(m_rows.size());
}

int ConfigDiffModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_subjects.size()) + 1;
}

QVariant ConfigDiffModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const bool isKey = index.column() == 0;
    switch (role) {
    case Qt::DisplayRole:
    case Qt::ToolTipRole:
    case RawRole:
        return isKey ? row.key : row.values[static_cast<std::size_t>(index.column()) - 1];
    case Qt::TextAlignmentRole:
        return alignment(!isKey);
    case Qt::ForegroundRole:
        if (isKey || !row.differs) return {};
        return shell::runColor(m_subjects[static_cast<std::size_t>(index.column()) - 1].color);
    case IdRole:
        return row.key;
    default:
        return {};
    }
}

QVariant ConfigDiffModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount()) return {};
    const bool isKey = section == 0;
    if (role == Qt::TextAlignmentRole) return alignment(!isKey);
    if (role == Qt::DisplayRole || role == Qt::ToolTipRole)
        return isKey ? tr("key") : m_subjects[static_cast<std::size_t>(section) - 1].label;
    return {};
}

} // namespace fairy2::itemmodels
