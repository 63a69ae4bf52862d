// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"
#include "quant/analysis.h"

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

#include <optional>
#include <vector>

namespace fairy2::itemmodels {

/// What quantising one layer alone costs, for one recipe.
struct LayerCost {
    double deltaLoss = 0; ///< nats per token over the unquantised model
    double kld = 0;       ///< nats per token from it
};

/// The linears of a model with what is known about each: SQNR as the analysis arrives, Δloss once the
/// sensitivity of the model has been measured. Rows stand in model order.
class LayersModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Name, Shape, DeltaLossW1, DeltaLossW2, SqnrW1, SqnrW2, Columns };

    explicit LayersModel(QObject* parent = nullptr);

    void setLayers(std::vector<models::LinearInfo> layers);
    /// A report over at least one stage; its stages give the SQNR of W1 and W2.
    void setReport(int layer, const quant::LayerReport& report);
    void clearReports();
    /// Costs in layer order for `stages` = 1 or 2; an empty vector takes them away.
    void setCosts(int stages, std::vector<std::optional<LayerCost>> costs);
    [[nodiscard]] bool hasCosts() const { return !m_costs[0].empty() || !m_costs[1].empty(); }
    [[nodiscard]] bool hasReports() const;

    [[nodiscard]] const std::vector<models::LinearInfo>& layers() const { return m_layers; }
    /// "layers.3.mlp.gate_proj": the name as tables show it.
    [[nodiscard]] static QString shortName(const std::string& name);
    /// The transformer block a layer belongs to; −1 for the head and the like.
    [[nodiscard]] static int blockOf(const std::string& name);
    /// SQNR in dB after `stages` stages; NaN while unknown.
    [[nodiscard]] double sqnr(int layer, int stages) const;
    [[nodiscard]] std::optional<LayerCost> cost(int layer, int stages) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    [[nodiscard]] double value(int layer, int column) const;
    [[nodiscard]] QVariant heat(int layer, int column) const;
    void updateRange(int column);

    struct Energies {
        double after1 = -1; ///< −1 = unknown
        double after2 = -1;
        std::int64_t nonFinite = 0;
    };
    std::vector<models::LinearInfo> m_layers;
    std::vector<Energies> m_energies;
    std::vector<std::optional<LayerCost>> m_costs[2];
    double m_low[Columns] = {};
    double m_high[Columns] = {};
};

/// Filters layers by a glob ("*.mlp.*"; a pattern without * or ? matches anywhere) and sorts by raw values,
/// unknown ones last in either direction.
class LayersFilter : public QSortFilterProxyModel {
    Q_OBJECT
public:
    explicit LayersFilter(QObject* parent = nullptr);
    void setPattern(const QString& pattern);

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;
    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

private:
    std::string m_pattern;
};

} // namespace fairy2::itemmodels
