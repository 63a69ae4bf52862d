// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fairy2::config {

/// The name that a mistyped one most likely meant (edit distance at most a third of its length), or empty.
[[nodiscard]] std::string nearest(const std::string& name, const std::vector<std::string>& names);

/// "; did you mean 'x'?" or nothing, to end a sentence with.
[[nodiscard]] std::string orNearest(const std::string& name, const std::vector<std::string>& names);

} // namespace fairy2::config
