// SPDX-License-Identifier: Apache-2.0
#include "models/checkpointsmodel.h"

#include "models/figuretext.h"
#include "models/roles.h"

#include <algorithm>

namespace fairy2::itemmodels {

void CheckpointsModel::setRows(std::vector<Row> rows) {
    std::sort(rows.begin(), rows.end(),
              [](const Row& a, const Row& b) { return a.entry.step > b.entry.step; });
    const auto same = [](const Row& a, const Row& b) {
        return a.entry.path == b.entry.path && a.entry.sha256 == b.entry.sha256 &&
               a.validationLoss == b.validationLoss;
    };
    if (std::equal(rows.begin(), rows.end(), m_rows.begin(), m_rows.end(), same)) return;
    beginResetModel();
    m_rows = std::move(rows);
    std::erase_if(m_verdicts, [this](const auto& known) {
        return std::none_of(m_rows.begin(), m_rows.end(),
                            [&](const Row& row) { return row.entry.path == known.first; });
    });
    endResetModel();
}

void CheckpointsModel::setCheck(const base::Path& path, Check check, const QString& sentence) {
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        if (m_rows[i].entry.path != path) continue;
        m_verdicts[path] = {check, sentence};
        const auto cell = index(static_cast<int>(i), Verified);
        emit dataChanged(cell, cell);
    }
}

int CheckpointsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int CheckpointsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

CheckpointsModel::Verdict CheckpointsModel::verdictOf(const Row& row) const {
    const auto found = m_verdicts.find(row.entry.path);
    return found == m_verdicts.end() ? Verdict{} : found->second;
}

QString CheckpointsModel::checkText(const Verdict& verdict) const {
    switch (verdict.check) {
    case Check::NotYet:
        return tr("not checked");
    case Check::Running:
        return tr("checking …");
    case Check::Good:
        return tr("✓ verified");
    case Check::Damaged:
        return tr("✗ damaged");
    }
    return {};
}

QVariant CheckpointsModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const Row& at = row(index.row());
    switch (role) {
    case Qt::DisplayRole:
        if (index.column() == Step) return tr("step %1").arg(shell::countText(at.entry.step));
        if (index.column() == ValidationLoss) return figureText(at.validationLoss, 3);
        return checkText(verdictOf(at));
    case Qt::ToolTipRole: {
        const QString sentence = verdictOf(at).sentence;
        return sentence.isEmpty() ? QString::fromStdString(at.entry.path.string()) : sentence;
    }
    case Qt::TextAlignmentRole:
        return alignment(index.column() != Step);
    case RawRole:
        if (index.column() == Step) return QVariant::fromValue<qlonglong>(at.entry.step);
        if (index.column() == ValidationLoss)
            return at.validationLoss ? QVariant(*at.validationLoss) : QVariant();
        return static_cast<int>(verdictOf(at).check);
    case IdRole:
        return QString::fromStdString(at.entry.path.string());
    default:
        return {};
    }
}

QVariant CheckpointsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) return alignment(section != Step);
    if (role != Qt::DisplayRole) return {};
    switch (section) {
    case Step:
        return tr("checkpoint");
    case ValidationLoss:
        return tr("val loss");
    case Verified:
        return tr("files");
    default:
        return {};
    }
}

} // namespace fairy2::itemmodels
