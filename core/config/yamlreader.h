// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/node.h"

#include <optional>

namespace fairy2::config {

/// What a configuration file may cost. Aliases count with all they stand for, so a bomb ends at the budget.
struct YamlLimits {
    std::size_t maxBytes = std::size_t{1} << 20;
    std::size_t maxNodes = 10'000;
    std::size_t maxDepth = 64;
};

/// Reads one YAML document as OmegaConf does: YAML 1.1 scalars (`on` is true, `017` is 15), aliases and `<<`
/// within the limits, duplicate keys and foreign tags refused. Sources are "`name`:line". An empty document
/// is an empty map.
[[nodiscard]] base::Result<Node> parseYaml(std::string_view text, const std::string& name,
                                           YamlLimits limits = {});

/// The package of a `# @package NAME` comment in the head of the file, if there is one.
[[nodiscard]] base::Result<std::optional<std::string>> packageHeader(std::string_view text,
                                                                     const std::string& name);

/// A plain (unquoted) scalar with YAML 1.1 rules; an integer beyond 64 bits is an error.
[[nodiscard]] base::Result<base::Json> plainScalar(std::string_view text);

} // namespace fairy2::config
