// SPDX-License-Identifier: Apache-2.0
#include "eval/rowloop.h"

#include "base/threads.h"

#include <fmt/format.h>
#include <mutex>
#include <optional>

namespace fairy2::eval {

base::Result<void> forEachRow(std::int64_t count, const base::Task& task, const std::string& what,
                              const std::function<base::Result<void>(std::int64_t)>& body) {
    std::mutex mutex;
    std::optional<base::Error> failure;
    std::int64_t done = 0;
    const auto stopped = [&] {
        const std::lock_guard lock(mutex);
        if (!failure && task.cancelled()) failure = base::cancelled().value();
        return failure.has_value();
    };
    base::parallelFor(count, [&](std::int64_t row) {
        if (stopped()) return;
        auto result = body(row);
        const std::lock_guard lock(mutex);
        if (!result && !failure) {
            failure = std::move(result).error();
            failure->message = fmt::format("row {}: {}", row, failure->message);
        }
        if (!failure) task.progress(++done, count, what);
    });
    if (failure) return tl::unexpected(std::move(*failure));
    return {};
}

} // namespace fairy2::eval
