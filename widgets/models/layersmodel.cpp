// SPDX-License-Identifier: Apache-2.0
#include "models/layersmodel.h"

#include "models/roles.h"
#include "shell/format.h"
#include "shell/theme.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

using namespace Qt::StringLiterals;

namespace fairy2::itemmodels {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// Few layers cost nearly all of the loss; this bends the scale so that the middle ones can be told apart.
constexpr double kHeatExponent = 0.7;

bool isCost(int column) {
    return column == LayersModel::DeltaLossW1 || column == LayersModel::DeltaLossW2;
}

double decibels(double energy) {
    if (energy < 0) return kNaN;
    return energy > 0 ? -10 * std::log10(energy) : std::numeric_limits<double>::infinity();
}

} // namespace

LayersModel::LayersModel(QObject* parent) : QAbstractTableModel(parent) {}

void LayersModel::setLayers(std::vector<models::LinearInfo> layers) {
    beginResetModel();
    m_layers = std::move(layers);
    m_energies.assign(m_layers.size(), {});
    for (auto& costs : m_costs)
        costs.clear();
    endResetModel();
}

void LayersModel::setReport(int layer, const quant::LayerReport& report) {
    if (layer < 0 || layer >= rowCount()) return;
    auto& energies = m_energies[static_cast<std::size_t>(layer)];
    energies.nonFinite = report.nonFinite;
    const bool known = report.nonFinite == 0;
    energies.after1 = known && !report.stages.empty() ? report.stages[0].residualEnergy : -1;
    energies.after2 = known && report.stages.size() > 1 ? report.stages[1].residualEnergy : -1;
    updateRange(SqnrW1);
    updateRange(SqnrW2);
    emit dataChanged(index(layer, SqnrW1), index(layer, SqnrW2));
}

void LayersModel::clearReports() {
    m_energies.assign(m_layers.size(), {});
    if (rowCount() > 0) emit dataChanged(index(0, SqnrW1), index(rowCount() - 1, SqnrW2));
}

void LayersModel::setCosts(int stages, std::vector<std::optional<LayerCost>> costs) {
    if (stages < 1 || stages > 2) return;
    if (!costs.empty()) costs.resize(m_layers.size());
    m_costs[stages - 1] = std::move(costs);
    updateRange(stages == 1 ? DeltaLossW1 : DeltaLossW2);
    if (rowCount() > 0) emit dataChanged(index(0, DeltaLossW1), index(rowCount() - 1, DeltaLossW2));
}

bool LayersModel::hasReports() const {
    return std::any_of(m_energies.begin(), m_energies.end(), [](const Energies& e) { return e.after1 >= 0; });
}

QString LayersModel::shortName(const std::string& name) {
    const QString text = QString::fromStdString(name);
    return text.startsWith(u"model."_s) ? text.sliced(6) : text;
}

int LayersModel::blockOf(const std::string& name) {
    constexpr std::string_view kMark = "layers.";
    const auto at = name.find(kMark);
    if (at == std::string::npos) return -1;
    int block = -1;
    std::from_chars(name.data() + at + kMark.size(), name.data() + name.size(), block);
    return block;
}

double LayersModel::sqnr(int layer, int stages) const {
    const auto& energies = m_energies[static_cast<std::size_t>(layer)];
    return decibels(stages == 1 ? energies.after1 : energies.after2);
}

std::optional<LayerCost> LayersModel::cost(int layer, int stages) const {
    const auto& costs = m_costs[stages - 1];
    return static_cast<std::size_t>(layer) < costs.size() ? costs[static_cast<std::size_t>(layer)]
                                                          : std::nullopt;
}

int LayersModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_layers.size());
}

int LayersModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : Columns;
}

double LayersModel::value(int layer, int column) const {
    if (column == SqnrW1 || column == SqnrW2) return sqnr(layer, column == SqnrW1 ? 1 : 2);
    const auto found = cost(layer, column == DeltaLossW1 ? 1 : 2);
    return found ? found->deltaLoss : kNaN;
}

void LayersModel::updateRange(int column) {
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (int layer = 0; layer < rowCount(); ++layer) {
        const double v = value(layer, column);
        if (!std::isfinite(v)) continue;
        low = std::min(low, v);
        high = std::max(high, v);
    }
    m_low[column] = low;
    m_high[column] = high;
}

QVariant LayersModel::heat(int layer, int column) const {
    if (column < DeltaLossW1) return {};
    // Weight error does not say what hurts: it is coloured only as long as nothing better is known.
    if (!isCost(column) && hasCosts()) return {};
    const double v = value(layer, column);
    if (!std::isfinite(v)) return {};
    const double span = isCost(column) ? m_high[column] : m_high[column] - m_low[column];
    const double hot = isCost(column) ? v : m_high[column] - v;
    return span > 0 ? std::pow(std::clamp(hot / span, 0.0, 1.0), kHeatExponent) : 0.0;
}

QVariant LayersModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const int layer = index.row();
    const auto& info = m_layers[static_cast<std::size_t>(layer)];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        if (column == Name) return shortName(info.name);
        if (column == Shape) return u"%1×%2"_s.arg(info.rows).arg(info.cols);
        if (isCost(column)) return shell::signedText(value(layer, column), column == DeltaLossW1 ? 3 : 4);
        return shell::numberText(value(layer, column), 2);
    case RawRole:
        if (column == Name) return QString::fromStdString(info.name);
        if (column == Shape) return static_cast<qlonglong>(info.rows * info.cols);
        return value(layer, column);
    case IdRole:
        return QString::fromStdString(info.name);
    case HeatRole:
        return heat(layer, column);
    case Qt::TextAlignmentRole:
        return QVariant((column == Name ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    case Qt::ForegroundRole:
        return info.quantizable ? QVariant() : QVariant(shell::Theme::instance().colors().secondary);
    case Qt::ToolTipRole: {
        const auto nonFinite = m_energies[static_cast<std::size_t>(layer)].nonFinite;
        if (!info.quantizable)
            return tr("kept in full precision: %1").arg(QString::fromStdString(info.reason));
        if (nonFinite > 0) return tr("%1 entries are NaN or infinite").arg(nonFinite);
        return {};
    }
    default:
        return {};
    }
}

QVariant LayersModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= Columns) return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant((section == Name ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role == FieldRole) {
        constexpr const char* fields[Columns] = {"name",          "elements",   "delta_loss_w1",
                                                 "delta_loss_w2", "sqnr_db_w1", "sqnr_db_w2"};
        return QString::fromLatin1(fields[section]);
    }
    if (role == Qt::ToolTipRole) {
        if (isCost(section)) return tr("Loss added when this layer alone is quantised, nats per token");
        if (section >= SqnrW1) return tr("Signal to quantisation noise of the weights, decibels");
        return {};
    }
    if (role != Qt::DisplayRole) return {};
    const QString titles[Columns] = {tr("layer"),    tr("shape"), tr("Δloss W1"),
                                     tr("Δloss W2"), tr("W1 dB"), tr("W2 dB")};
    return titles[section];
}

LayersFilter::LayersFilter(QObject* parent) : QSortFilterProxyModel(parent) {
    setSortRole(RawRole);
    // Rows that jump about while the analysis streams in cannot be read: the page sorts when it is complete.
    setDynamicSortFilter(false);
}

void LayersFilter::setPattern(const QString& pattern) {
    const QString trimmed = pattern.trimmed();
    const bool glob = trimmed.contains(u'*') || trimmed.contains(u'?');
    m_pattern = (glob || trimmed.isEmpty() ? trimmed : u'*' + trimmed + u'*').toStdString();
    invalidateRowsFilter();
}

bool LayersFilter::filterAcceptsRow(int row, const QModelIndex& parent) const {
    if (m_pattern.empty()) return true;
    const QModelIndex index = sourceModel()->index(row, LayersModel::Name, parent);
    return quant::globMatches(m_pattern, index.data(IdRole).toString().toStdString()) ||
           quant::globMatches(m_pattern, index.data(Qt::DisplayRole).toString().toStdString());
}

bool LayersFilter::lessThan(const QModelIndex& left, const QModelIndex& right) const {
    const QVariant a = left.data(RawRole);
    const QVariant b = right.data(RawRole);
    if (a.typeId() == QMetaType::QString) return left.row() < right.row(); // model order reads best
    const bool unknownA = std::isnan(a.toDouble());
    const bool unknownB = std::isnan(b.toDouble());
    if (unknownA || unknownB)
        return sortOrder() == Qt::AscendingOrder ? !unknownA && unknownB : unknownA && !unknownB;
    return a.toDouble() < b.toDouble();
}

} // namespace fairy2::itemmodels
