// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/rundirectory.h"

#include <QAbstractTableModel>
#include <optional>

namespace fairy2::itemmodels {

/// The checkpoints of one run, latest first, with what a check of their manifest said.
class CheckpointsModel final : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Step, ValidationLoss, Verified, ColumnCount };
    enum class Check { NotYet, Running, Good, Damaged };
    struct Row {
        runs::CheckpointEntry entry;
        std::optional<double> validationLoss; ///< at the evaluation nearest before the step
    };
    using QAbstractTableModel::QAbstractTableModel;

    /// Results of checks stay with the paths that are still there.
    void setRows(std::vector<Row> rows);
    void setCheck(const base::Path& path, Check check, const QString& sentence = {});

    [[nodiscard]] const Row& row(int index) const { return m_rows[static_cast<std::size_t>(index)]; }
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    struct Verdict {
        Check check = Check::NotYet;
        QString sentence;
    };
    [[nodiscard]] QString checkText(const Verdict& verdict) const;
    [[nodiscard]] Verdict verdictOf(const Row& row) const;

    std::vector<Row> m_rows;
    std::map<base::Path, Verdict> m_verdicts;
};

} // namespace fairy2::itemmodels
