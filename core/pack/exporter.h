// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "models/checkpoint.h"

#include <optional>

namespace fairy2::pack {

enum class Format {
    Packed, ///< codes and scales in safetensors; `quantization_config` makes unaware loaders fail loudly
    Baked,  ///< dense A_q in an ordinary Hugging Face folder that transformers loads (`--format hf`)
};
[[nodiscard]] base::Result<Format> parseFormat(const std::string& text); ///< "packed", "hf"

struct ExportOptions {
    Format format = Format::Packed;
    /// The recipe to quantise with; absent = the checkpoint's own. Not allowed on baked or packed sources.
    std::optional<quant::ModelRecipe> recipe;
    tensors::DType denseType = tensors::DType::BF16; ///< of what is not quantised in a packed file
    bool overwrite = false;
};

struct ExportReport {
    base::Path folder;
    std::uint64_t bytes = 0;         ///< of the weight file
    std::uint64_t expectedBytes = 0; ///< codes + scales + dense rest, from the shapes alone
    double bitsPerWeight = 0;        ///< over the linears, scales included
    std::int64_t quantizedLayers = 0;
    std::vector<std::string> skipped; ///< "name: reason"
    std::string contentHash;
    [[nodiscard]] base::Json toJson() const;
};

/// Writes `folder` in one step (built beside it under a temporary name, then renamed); a cancelled or failed
/// export leaves nothing. Copies tokenizer files along. A baked folder is built from the scales as the packed
/// file would store them, so both are the same numbers.
[[nodiscard]] base::Result<ExportReport> exportCheckpoint(const models::Checkpoint& source,
                                                          const base::Path& folder,
                                                          const ExportOptions& options,
                                                          const base::Task& task = {});

} // namespace fairy2::pack
