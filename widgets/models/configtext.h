// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <QString>
#include <map>
#include <string>

namespace fairy2::itemmodels {

/// The leaves of a composed tree by dotted key; lists and empty groups are leaves.
[[nodiscard]] std::map<std::string, base::Json> flattenConfig(const base::Json& tree);
/// A value as a person types it behind "key=": bare words, numbers, true/false/null, lists in brackets.
[[nodiscard]] QString configText(const base::Json& value);

} // namespace fairy2::itemmodels
