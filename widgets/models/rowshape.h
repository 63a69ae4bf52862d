// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <cstdint>
#include <string>

namespace fairy2::itemmodels {

/// How many token rows a file holds under a key, and how long they are (on average, where they are ragged).
struct RowShape {
    std::int64_t rows = 0;
    std::int64_t length = 0;
};
/// Reads only the header of a safetensors file, but all of a text file.
[[nodiscard]] base::Result<RowShape> rowShape(const base::Path& file, const std::string& key);

} // namespace fairy2::itemmodels
