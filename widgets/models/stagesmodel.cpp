// SPDX-License-Identifier: Apache-2.0
#include "models/stagesmodel.h"

#include "models/roles.h"
#include "shell/format.h"

#include <numbers>

using namespace Qt::StringLiterals;

namespace fairy2::itemmodels {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;

} // namespace

void StagesModel::setReport(std::optional<quant::LayerReport> report) {
    beginResetModel();
    m_report = std::move(report);
    endResetModel();
}

int StagesModel::rowCount(const QModelIndex& parent) const {
    if (parent.isValid() || !m_report || m_report->nonFinite > 0) return 0;
    return static_cast<int>(m_report->stages.size()) * 2;
}

int StagesModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : Columns;
}

double StagesModel::value(int row, int column) const {
    const auto& stage = m_report->stages[static_cast<std::size_t>(row / 2)];
    const auto& matrix = row % 2 == 0 ? stage.u : stage.w;
    switch (column) {
    case ScaleRe:
        return matrix.sRe;
    case ScaleIm:
        return matrix.sIm;
    case Entropy:
        return matrix.entropyBits;
    case Boundary:
        return matrix.boundaryDistance * kDegrees;
    default:
        return stage.residualEnergy;
    }
}

QVariant StagesModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const int column = index.column();
    const bool first = index.row() % 2 == 0;
    if (role == Qt::TextAlignmentRole)
        return QVariant((column <= Matrix ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role == RawRole) {
        if (column == Stage) return index.row() / 2 + 1;
        if (column == Matrix) return first ? u"U"_s : u"W"_s;
        return value(index.row(), column);
    }
    if (role != Qt::DisplayRole) return {};
    switch (column) {
    case Stage:
        return first ? QString::number(index.row() / 2 + 1) : QString();
    case Matrix:
        return first ? u"U"_s : u"W"_s;
    case ScaleRe:
    case ScaleIm:
        return QString::number(value(index.row(), column), 'g', 4);
    case Entropy:
        return shell::numberText(value(index.row(), column), 4);
    case Boundary:
        return shell::numberText(value(index.row(), column), 1);
    default:
        return first ? shell::percentText(value(index.row(), column), 2) : QString();
    }
}

QVariant StagesModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= Columns) return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant((section <= Matrix ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role == FieldRole) {
        constexpr const char* fields[Columns] = {"stage",        "matrix",           "s_re",           "s_im",
                                                 "entropy_bits", "boundary_degrees", "residual_energy"};
        return QString::fromLatin1(fields[section]);
    }
    if (role == Qt::ToolTipRole && section == Boundary)
        return tr("Mean angle from an entry to the nearest sector boundary; 22.5° when phases are even");
    if (role == Qt::ToolTipRole && section <= ScaleIm && section >= ScaleRe)
        return tr("Mean over the scale groups when there is more than one");
    if (role != Qt::DisplayRole) return {};
    const QString titles[Columns] = {tr("stage"),         QString(),         u"s_re"_s,        u"s_im"_s,
                                     tr("entropy, bits"), tr("boundary, °"), tr("energy left")};
    return titles[section];
}

} // namespace fairy2::itemmodels
