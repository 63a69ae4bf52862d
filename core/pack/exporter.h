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
[[nodiscard]] const char* name(Format format) noexcept;

struct ExportOptions {
    Format format = Format::Packed;
    /// The recipe to quantise with; absent = the checkpoint's own. Not allowed on baked or packed sources.
    std::optional<quant::ModelRecipe> recipe;
    /// Of what is not quantised; absent = as it is stored.
    std::optional<tensors::DType> denseType;
    /// Of the A_q in a baked folder. F32 holds them exactly; a half type rounds them, so that the baked and
    /// the packed model differ in the last bits.
    tensors::DType bakedType = tensors::DType::F32;
    bool overwrite = false;
};

struct ExportReport {
    base::Path folder;
    Format format = Format::Packed;
    std::uint64_t bytes = 0;         ///< of the weight file
    std::uint64_t expectedBytes = 0; ///< codes + scales + dense rest, from the shapes alone
    double bitsPerWeight = 0;        ///< over the stored linears, quantised or not, scales included
    std::int64_t quantizedLayers = 0;
    std::vector<std::string> skipped; ///< "name: reason"
    std::string contentHash;
    [[nodiscard]] base::Json toJson() const;
};

/// Writes `folder` in one step (built beside it under a temporary name, opened again as a check, then
/// renamed); a cancelled or failed export leaves nothing. Copies tokenizer files along. A baked folder is
/// built from the scales as the packed file would store them, so both are the same numbers. A packed source
/// may be baked; nothing that is quantised already is quantised again.
///
/// fairy2.json of the folder: {"format": 1, "kind": "packed"|"baked", "recipe", "source": {"name", "kind",
/// "content_hash"}, "weights": {"file", "bytes", "sha256"}, "crc32c": {tensor: number} (packed only),
/// "skipped": ["name: reason"]}.
[[nodiscard]] base::Result<ExportReport> exportCheckpoint(const models::Checkpoint& source,
                                                          const base::Path& folder,
                                                          const ExportOptions& options,
                                                          const base::Task& task = {});

} // namespace fairy2::pack
