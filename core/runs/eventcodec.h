// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/runlog.h"

#include <optional>
#include <string_view>

namespace fairy2::runs {

/// TensorBoard's Event protobuf (tensorboard/compat/proto/event.proto), as far as run logs use it.
[[nodiscard]] std::string encodeVersion(double wallTime);
[[nodiscard]] std::string encodeScalars(double wallTime, std::int64_t step,
                                        const std::vector<std::pair<std::string, double>>& values);
[[nodiscard]] std::string encodeDocument(double wallTime, std::int64_t step, const std::string& json);

/// Nothing when the bytes are no Event. Fields that are not ours are passed over.
[[nodiscard]] std::optional<LogRecord> decodeEvent(std::string_view bytes);

} // namespace fairy2::runs
