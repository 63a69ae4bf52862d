// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/spec.h"
#include "quant/recipe.h"
#include "quant/widelylinear.h"
#include "tensors/safetensors.h"

#include <memory>
#include <string>
#include <vector>

namespace fairy2::models {

/// What the stored weights are. Master weights may be quantised; baked and packed ones already are and never
/// pass through a quantiser again (T=2 is not idempotent).
enum class CheckpointKind {
    HuggingFace, ///< an ordinary folder: config.json + safetensors
    Master,      ///< written by our trainer: fp32 masters and the recipe they are trained with
    Baked,       ///< dense A_q in an ordinary folder, marked by fairy2.json
    Packed,      ///< codes and scales
};
[[nodiscard]] const char* name(CheckpointKind kind) noexcept;

/// One linear layer as tables and quantisers see it.
struct LinearInfo {
    std::string name; ///< without ".weight"
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    bool quantizable = false;
    std::string reason; ///< why not, when it is not ("odd number of columns: 173")
};

/// A model on disk of any kind behind one handle. Opening reads headers only; weights are mapped and read
/// layer by layer on demand. Safe to read from several threads.
class Checkpoint {
public:
    /// A folder, a file inside it, `org/name` in the local Hugging Face cache, or a run's checkpoint folder.
    /// Refuses pickles, foreign quantisation (`quantization_config`, MLX), missing or unlisted tensors, and
    /// shapes that disagree with config.json — each with file, field and cure.
    [[nodiscard]] static base::Result<std::shared_ptr<const Checkpoint>> open(const std::string& pathOrName);
    virtual ~Checkpoint() = default;

    [[nodiscard]] const base::Path& path() const noexcept { return m_path; } ///< the folder
    [[nodiscard]] const std::string& displayName() const noexcept { return m_displayName; }
    [[nodiscard]] CheckpointKind kind() const noexcept { return m_kind; }
    [[nodiscard]] const ModelSpec& spec() const noexcept { return m_spec; }
    [[nodiscard]] const base::Json& config() const noexcept { return m_config; } ///< config.json as it stands
    /// The recipe stored with Master, Baked and Packed checkpoints; for HuggingFace everything is skipped.
    [[nodiscard]] const quant::ModelRecipe& recipe() const noexcept { return m_recipe; }
    /// Stored tensors in file order, over all shards (for packed ones: as stored).
    [[nodiscard]] const std::vector<tensors::TensorInfo>& tensors() const noexcept { return m_tensors; }
    [[nodiscard]] const std::vector<LinearInfo>& linears() const noexcept { return m_linears; }
    [[nodiscard]] std::uint64_t storedBytes() const noexcept; ///< of all tensors
    /// Bits per real weight over the stored linears, scales included.
    [[nodiscard]] double storedBitsPerWeight() const noexcept;

    /// A weight in fp32 by its Hugging Face name ("…q_proj.weight"); packed ones are decoded (then it is
    /// A_q). The tied "lm_head.weight" answers with the embedding.
    [[nodiscard]] virtual base::Result<std::vector<float>> readFloat(const std::string& tensor) const = 0;

    /// SHA-256 over the content that decides the function of the model (config fields, names, shapes, bytes).
    /// Reads every byte once, then remembers: use a worker thread. Identity of results in the registry.
    [[nodiscard]] virtual base::Result<std::string> contentHash() const = 0;

protected:
    base::Path m_path;
    std::string m_displayName;
    CheckpointKind m_kind = CheckpointKind::HuggingFace;
    ModelSpec m_spec;
    base::Json m_config;
    quant::ModelRecipe m_recipe;
    std::vector<tensors::TensorInfo> m_tensors;
    std::vector<LinearInfo> m_linears;
};

} // namespace fairy2::models
