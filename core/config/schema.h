// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/node.h"

#include <optional>

namespace fairy2::config {

/// One key of the schema, for help and the editor.
struct KeyInfo {
    std::string key;  ///< dotted
    std::string type; ///< "int", "float", "bool", "string", "list", "choice"
    std::string help;
    std::string unit; ///< "steps", "tokens", …, or empty
    base::Json defaultValue;
    std::vector<std::string> choices;
    std::optional<double> least; ///< allowed range of numbers, both ends included
    std::optional<double> most;
};
/// Every key there is, in the order in which they are shown.
[[nodiscard]] const std::vector<KeyInfo>& schema();
/// The entry of a key, or null.
[[nodiscard]] const KeyInfo* findKey(const std::string& key);

/// The tree of all defaults; the source of each value is "default".
[[nodiscard]] Node schemaDefaults();

/// Types, ranges and choices of a resolved tree; whole numbers given for float keys become floats. Unknown
/// keys are errors with the nearest name.
[[nodiscard]] base::Result<void> checkAgainstSchema(Node& tree);

} // namespace fairy2::config
