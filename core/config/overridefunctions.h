// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/override.h"

#include <map>

namespace fairy2::config {

/// What a function of the override grammar takes and gives: a value or a sweep.
using Argument = std::variant<Element, Sweep>;

struct FunctionCall {
    std::string name;
    std::vector<Argument> positional;
    std::map<std::string, Argument> named;
};

/// Hydra's functions: int float str bool (casts), choice range interval glob (sweeps), tag sort shuffle.
[[nodiscard]] base::Result<Argument> callFunction(const FunctionCall& call);

/// A number token of the grammar ("1_000", "-2.5e3", "inf"); an integer beyond 64 bits is an error.
[[nodiscard]] base::Result<base::Json> pythonNumber(const std::string& text, bool isFloat);

} // namespace fairy2::config
