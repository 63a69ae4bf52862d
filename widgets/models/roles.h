// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Qt>

namespace fairy2::itemmodels {

/// Roles that our table models answer beside Qt's own.
enum Role {
    RawRole = Qt::UserRole, ///< the value as number or text: for sorting, filtering, CSV and JSON
    HeatRole,               ///< double 0..1 = background of a heat cell; invalid = no heat
    SwatchRole,             ///< QColor of a disc before the text: the run's colour
    SparkRole,              ///< QList<double>: drawn as a small curve in SwatchRole's colour
    FieldRole,              ///< header: stable snake_case column name for CSV and JSON
    IdRole,                 ///< identity of a row that survives sorting: run uuid, path, config key
    ChoicesRole,            ///< QStringList that an editor offers
};

} // namespace fairy2::itemmodels
