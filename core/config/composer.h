// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/override.h"
#include "config/repository.h"

namespace fairy2::config {

/// Hydra's part of composing, without our schema: expands the defaults lists of `primary`, merges the files
/// over `base`, applies the overrides. Interpolations are left as they are (see resolve()).
[[nodiscard]] base::Result<Node> composeTree(Repository& repository, const std::string& primary,
                                             const std::vector<Override>& overrides, Node base = Node::map());

} // namespace fairy2::config
