// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/evaluation.h"

#include <QAbstractTableModel>
#include <vector>

namespace fairy2::itemmodels {

/// One row per evaluation, latest first.
class EvaluationsModel final : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column {
        Checkpoint,
        Mode,
        Tokens,
        Loss,
        StandardError,
        Perplexity,
        Scored,
        Bits,
        Bytes,
        Preset,
        ColumnCount
    };
    using QAbstractTableModel::QAbstractTableModel;

    void setEvaluations(std::vector<Evaluation> evaluations);
    [[nodiscard]] const Evaluation& evaluation(int row) const {
        return m_evaluations[static_cast<std::size_t>(row)];
    }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    [[nodiscard]] QString text(const Evaluation& evaluation, int column) const;
    std::vector<Evaluation> m_evaluations;
};

/// A mode as the window says it: "as stored", "full precision", "W1", "W2".
[[nodiscard]] QString modeText(const EvaluationMode& mode);

} // namespace fairy2::itemmodels
