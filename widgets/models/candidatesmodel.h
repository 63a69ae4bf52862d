// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QAbstractTableModel>
#include <QSet>
#include <string>
#include <vector>

namespace fairy2::itemmodels {

/// A checkpoint that can be evaluated or compared.
struct Candidate {
    QString path; ///< folder or org/name: its identity here
    QString label;
    QString detail;    ///< what it is: "open model", "checkpoint of a run"
    int color = -1;    ///< of the run it comes from; −1 = of none
    std::string run;   ///< uuid, or empty
    QString baseModel; ///< where its tokenizer is when its own folder has none
    bool operator==(const Candidate&) const = default;
};

/// Checkpoints to choose from by check boxes. What is checked stays so while the list changes around it.
class CandidatesModel final : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Label, Detail, ColumnCount };
    using QAbstractTableModel::QAbstractTableModel;

    void setCandidates(std::vector<Candidate> candidates);
    void setChecked(const QString& path, bool checked);
    [[nodiscard]] std::vector<Candidate> checked() const;
    [[nodiscard]] const Candidate& candidate(int row) const {
        return m_candidates[static_cast<std::size_t>(row)];
    }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;

signals:
    void checkedChanged();

private:
    std::vector<Candidate> m_candidates;
    QSet<QString> m_checked; ///< paths
};

} // namespace fairy2::itemmodels
