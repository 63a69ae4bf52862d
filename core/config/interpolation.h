// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/node.h"

namespace fairy2::config {

/// The tree with every ${…} replaced: ${a.b}, relative ${.b} and ${..b}, ${a[0]}, nested ones, and the
/// resolvers oc.env, oc.select, oc.decode, oc.create, oc.dict.keys, oc.dict.values, fairy2 (fairy2:data,
/// fairy2:home, fairy2:cache are folders). Sources stay those of the values that were written. Errors name
/// the key.
[[nodiscard]] base::Result<Node> resolve(const Node& tree);

/// One text with interpolations, relative to the root of `tree` (defaults lists use it).
[[nodiscard]] base::Result<base::Json> resolveText(const std::string& text, const Node& tree);

} // namespace fairy2::config
