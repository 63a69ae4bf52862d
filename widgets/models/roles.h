// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <qnamespace.h>

namespace fairy2::itemmodels {

/// Roles that all our item models share.
enum Role {
    RawRole = Qt::UserRole + 1, ///< the value behind the text: for sorting, filters, export
    ColorRole,   ///< index into the run palette (int) of what a row or cell belongs to; −1 or absent = none
    IdRole,      ///< identity of the row that survives sorting (run uuid, path, config key)
    CurveRole,   ///< QList<float> for a sparkline
    LiveRole,    ///< bool: something is being written or computed right now
    ChoicesRole, ///< QStringList an editor offers
    BestRole,    ///< bool: the best value of its column
};

} // namespace fairy2::itemmodels
