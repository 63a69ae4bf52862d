// SPDX-License-Identifier: Apache-2.0
#include "models/configfiltermodel.h"

#include "models/configtreemodel.h"
#include "models/roles.h"

namespace fairy2::itemmodels {

ConfigFilterModel::ConfigFilterModel(QObject* parent) : QSortFilterProxyModel(parent) {
    setRecursiveFilteringEnabled(true);
}

void ConfigFilterModel::setText(const QString& text) {
    m_text = text.trimmed();
    invalidateRowsFilter();
}

void ConfigFilterModel::setOverridesOnly(bool only) {
    m_overridesOnly = only;
    invalidateRowsFilter();
}

bool ConfigFilterModel::filterAcceptsRow(int row, const QModelIndex& parent) const {
    const QModelIndex key = sourceModel()->index(row, ConfigTreeModel::Key, parent);
    if (sourceModel()->hasChildren(key)) return false; // groups show when a child does
    if (m_overridesOnly && !key.data(ConfigTreeModel::OverriddenRole).toBool()) return false;
    const QString help = key.siblingAtColumn(ConfigTreeModel::Help).data().toString();
    return key.data(IdRole).toString().contains(m_text, Qt::CaseInsensitive) ||
           help.contains(m_text, Qt::CaseInsensitive);
}

} // namespace fairy2::itemmodels
