// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fairy2::base {

/// A random version-4 UUID in lower case, from the kernel's generator.
[[nodiscard]] std::string newUuid();

} // namespace fairy2::base
