// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/format.h"

#include <QVariant>
#include <limits>
#include <optional>

namespace fairy2::itemmodels {

/// A figure that may not be known: then a dash, or no raw value.
[[nodiscard]] inline QString figureText(const std::optional<double>& value, int digits) {
    return shell::numberText(value.value_or(std::numeric_limits<double>::quiet_NaN()), digits);
}
[[nodiscard]] inline QVariant figureRaw(const std::optional<double>& value) {
    return value ? QVariant(*value) : QVariant();
}
[[nodiscard]] inline QVariant alignment(bool right) {
    return static_cast<int>((right ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
}

} // namespace fairy2::itemmodels
