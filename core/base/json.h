// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"
#include "base/result.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace fairy2::base {

using Json = nlohmann::json;

struct JsonLimits {
    std::size_t maxBytes = std::size_t{1} << 20;
    int maxDepth = 64;
};

/// Strict JSON of a file from outside: UTF-8, bounded size and depth, no duplicate keys, no NaN or comments,
/// nothing after the document. `file` is only for the error.
[[nodiscard]] Result<Json> parseJson(std::string_view text, const std::string& file, JsonLimits limits = {});
[[nodiscard]] Result<Json> readJson(const Path& path, JsonLimits limits = {});

/// object[key] as T, or an error that names file, key and the type expected. Integers are range-checked.
[[nodiscard]] Result<std::int64_t> jsonInteger(const Json& object, const std::string& key, std::int64_t low,
                                               std::int64_t high, const std::string& file);
[[nodiscard]] Result<double> jsonNumber(const Json& object, const std::string& key, const std::string& file);
[[nodiscard]] Result<std::string> jsonString(const Json& object, const std::string& key,
                                             const std::string& file);

} // namespace fairy2::base
