// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pack/exporter.h"
#include "pack/packedcheckpoint.h"

namespace fairy2::pack {

/// One tensor of the file that an export writes.
struct PlannedTensor {
    enum class Content {
        Codes,  ///< of `layer`
        Scales, ///< of `layer`
        Baked,  ///< A_q of `layer`
        Dense,  ///< the source's tensor `name`
    };
    Content content = Content::Dense;
    std::string name;
    tensors::DType type = tensors::DType::F32;
    std::vector<std::int64_t> shape;
    PackedSlot slot; ///< of everything but Dense
};

/// What an export will write, decided before anything is written.
struct ExportPlan {
    quant::ModelRecipe recipe;
    std::vector<PlannedTensor> tensors; ///< in file order: codes, scales, baked and dense ones
    std::vector<std::string> skipped;
    std::uint64_t expectedBytes = 0;
    double bitsPerWeight = 0;
    std::int64_t quantizedLayers = 0;
    bool untiesHead = false; ///< the head gets weights of its own, the embedding keeps its
};

/// Errors: a recipe for a source that is quantised already, one that quantises nothing, a baked source, a
/// packed source packed again.
[[nodiscard]] base::Result<ExportPlan> planExport(const models::Checkpoint& source,
                                                  const ExportOptions& options);

} // namespace fairy2::pack
