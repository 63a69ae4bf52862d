// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "base/result.h"

#include <cstdint>
#include <functional>

namespace fairy2::eval {

/// Calls body(row) for `count` rows in parallel until one fails or the task is cancelled, and reports each
/// finished one as `what`. The error's message begins with "row N: ".
[[nodiscard]] base::Result<void> forEachRow(std::int64_t count, const base::Task& task,
                                            const std::string& what,
                                            const std::function<base::Result<void>(std::int64_t)>& body);

} // namespace fairy2::eval
