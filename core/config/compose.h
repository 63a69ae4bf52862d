// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/schema.h"

#include <map>
#include <string>
#include <vector>

namespace fairy2::config {

/// A composed configuration and where each value came from.
struct Composition {
    base::Json tree; ///< resolved, interpolations done
    std::map<std::string, std::string>
        sources; ///< dotted key → "configs/training/fairy2_w2.yaml:7", "override", "default"
    [[nodiscard]] base::Json toJson() const; ///< {config, sources}
};

/// Composes configs/config.yaml and its groups with Hydra-style overrides ("training=fairy2_w1",
/// "training.max_steps=100", "+a=v", "++a=v", "~a") over the defaults of the schema. Unknown keys are errors
/// with the nearest name.
[[nodiscard]] base::Result<Composition> compose(const std::vector<std::string>& overrides);

/// Options of a group ("training" → "fairy2_w1", …), sorted, from the configs folder.
[[nodiscard]] base::Result<std::vector<std::string>> groupOptions(const std::string& group);

} // namespace fairy2::config
