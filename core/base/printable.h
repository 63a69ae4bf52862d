// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fairy2::base {

/// Text from outside as it may stand in an error or on a terminal: control characters become '?', and what is
/// longer than maxBytes is cut (at a whole UTF-8 character) and ends in "…".
[[nodiscard]] std::string printable(std::string_view text, std::size_t maxBytes = 160);

} // namespace fairy2::base
