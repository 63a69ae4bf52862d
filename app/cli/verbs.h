// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "verb.h"

#include <vector>

namespace fairy2::cli {

/// Every verb of the program, in the order of --help.
[[nodiscard]] const std::vector<AddVerb>& verbs();

} // namespace fairy2::cli
