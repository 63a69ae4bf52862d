// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/analysis.h"

#include <QAbstractTableModel>

#include <optional>

namespace fairy2::itemmodels {

/// Scales and statistics of one layer: a row for U and one for W of every stage.
class StagesModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Stage, Matrix, ScaleRe, ScaleIm, Entropy, Boundary, Energy, Columns };

    using QAbstractTableModel::QAbstractTableModel;
    void setReport(std::optional<quant::LayerReport> report);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    [[nodiscard]] double value(int row, int column) const;

    std::optional<quant::LayerReport> m_report;
};

} // namespace fairy2::itemmodels
