// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairy2::models {

enum class Family { Llama, Qwen3 };

/// Llama 3 rope scaling (transformers modeling_rope_utils, "llama3").
struct Llama3RopeScaling {
    double factor = 8;
    double lowFreqFactor = 1;
    double highFreqFactor = 4;
    std::int64_t originalMaxPositions = 8192;
};

/// Everything a forward pass needs to know about a decoder, from a Hugging Face config.json.
struct ModelSpec {
    Family family = Family::Llama;
    std::int64_t vocabSize = 0;
    std::int64_t hiddenSize = 0;
    std::int64_t intermediateSize = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t headDim = 0;
    std::int64_t maxPositions = 0;
    double rmsEps = 1e-6;
    double ropeTheta = 10000;
    std::optional<Llama3RopeScaling> ropeScaling;
    bool tiedEmbeddings = false;
    bool qkNorm = false;               ///< Qwen3: RMSNorm over head_dim on q and k before RoPE
    std::vector<std::int64_t> eosIds;  ///< any of them ends a text; each once, in the order of the file
    std::optional<std::int64_t> bosId; ///< both only inside the vocabulary: other ids cannot occur

    [[nodiscard]] std::int64_t parameters() const noexcept; ///< a tied head counts once
    /// The fields in snake_case, as `fairy2 inspect --json` shows them.
    [[nodiscard]] base::Json toJson() const;
};

/// Strict reading of config.json: opens exactly as transformers would, or refuses naming the field. `file` is
/// for the error only.
/// vocab_size, hidden_size, num_hidden_layers and num_attention_heads must be there; every other key that is
/// missing has the default of transformers' LlamaConfig or Qwen3Config (so head_dim is hidden_size / heads
/// for Llama but 128 for Qwen3). Without model_type, `architectures` decides when it names one of the two
/// families. Refused because a forward pass would differ: other families and heads, rope scaling other than
/// "llama3", partial rotary embedding, sliding windows, biases, activations other than SiLU, and rope
/// settings that stand in two places and disagree.
[[nodiscard]] base::Result<ModelSpec> parseSpec(const base::Json& config, const std::string& file);

/// Lets generation_config.json have the last word on eos and bos ids, as transformers' generate() does.
[[nodiscard]] base::Result<void> applyGenerationConfig(ModelSpec& spec, const base::Json& config,
                                                       const std::string& file);

[[nodiscard]] const char* name(Family family) noexcept; ///< "llama", "qwen3"

/// The `architectures` entry of a family: "LlamaForCausalLM", "Qwen3ForCausalLM".
[[nodiscard]] const char* architecture(Family family) noexcept;

/// Every tensor a model of this shape has, Hugging Face names, with its shape. The tied head is not listed.
struct TensorSlot {
    std::string name;
    std::vector<std::int64_t> shape;
    bool linear = false; ///< weight of a linear layer (lm_head included when untied)
};
[[nodiscard]] std::vector<TensorSlot> tensorSlots(const ModelSpec& spec);

/// Inverse frequencies of RoPE, headDim/2 of them, with rope scaling applied, in double
/// (transformers modeling_rope_utils, "default" and "llama3").
[[nodiscard]] std::vector<double> ropeInverseFrequencies(const ModelSpec& spec);

} // namespace fairy2::models
