// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pack/exporter.h"
#include "verb.h"

namespace fairy2::cli {

/// Exports and says what came of it: what `export` and `quantize MODEL OUT` share.
[[nodiscard]] base::Result<Outcome> exportModel(const std::string& model, const std::string& folder,
                                                const pack::ExportOptions& options, const base::Task& task);

/// "f32", "bf16" or "f16" as an element type; empty text is no type.
[[nodiscard]] base::Result<std::optional<tensors::DType>> parseFloatType(const std::string& text);

} // namespace fairy2::cli
