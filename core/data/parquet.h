// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairy2::data {

struct ParquetColumn {
    std::string name;
    bool text = false; ///< strings or bytes
};

/// Top-level columns of a Parquet file. Loads the Arrow module on first use; without it the error says how to
/// get it.
[[nodiscard]] base::Result<std::vector<ParquetColumn>> parquetColumns(const base::Path& path);

/// Every value of one text column in order (absent = null), until `value` returns false. Memory: one batch of
/// rows.
[[nodiscard]] base::Result<void>
readParquetColumn(const base::Path& path, const std::string& column,
                  const std::function<bool(std::optional<std::string_view>)>& value);

} // namespace fairy2::data
