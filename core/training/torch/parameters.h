// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/widelylinear.h"
#include "training/engine.h"
#include "training/torch/decoder.h"

#include <map>

namespace fairy2::training {

/// One trainable tensor with all that belongs to it; every tensor is fp32 and contiguous.
struct Parameter {
    ParameterInfo info;
    at::Tensor master;
    at::Tensor forward;  ///< the leaf that the forward pass multiplies with: A_q, or the master itself
    at::Tensor gradient; ///< dL/dmaster of the step so far
    at::Tensor firstMoment, secondMoment;
};

/// A forward weight made by quantising a master once per optimiser step.
struct QuantizedWeight {
    std::string layer;         ///< name of the linear, without ".weight"
    std::size_t parameter = 0; ///< whose master it is made of
    quant::LayerRecipe recipe;
    at::Tensor forward;
};

/// All parameters of a model under their Hugging Face names, and the quantised weights over them. The
/// straight-through estimator is the identity and A ↦ A_q keeps the real layout, so dL/dA = dL/dA_q: the
/// gradient of the leaf A_q is the main gradient of its master, without a further operation.
class ParameterTable {
public:
    [[nodiscard]] static base::Result<ParameterTable> create(const models::ModelSpec& spec,
                                                             const WeightSource& weights,
                                                             const quant::ModelRecipe& recipe,
                                                             bool trainable);

    [[nodiscard]] std::vector<Parameter>& all() noexcept { return m_parameters; }
    [[nodiscard]] const std::vector<Parameter>& all() const noexcept { return m_parameters; }
    [[nodiscard]] const std::vector<QuantizedWeight>& quantized() const noexcept { return m_quantized; }
    [[nodiscard]] const std::vector<ParameterInfo>& infos() const noexcept { return m_infos; }
    [[nodiscard]] quant::MatrixView master(const QuantizedWeight& weight) const noexcept;

    /// Makes every A_q from its master.
    [[nodiscard]] base::Result<void> quantize(int threads);

    /// The weights as a forward pass wants them; shares memory with the table.
    [[nodiscard]] DecoderWeights decoder(const models::ModelSpec& spec) const;
    /// Where dL/dembedding and dL/dhead go; the same tensor when tied, so that both uses add up.
    [[nodiscard]] at::Tensor embeddingGradient() const;
    [[nodiscard]] at::Tensor headGradient() const;

private:
    [[nodiscard]] const Parameter* find(const std::string& name) const;

    std::vector<Parameter> m_parameters;
    std::vector<ParameterInfo> m_infos;
    std::map<std::string, std::size_t> m_index;
    std::vector<QuantizedWeight> m_quantized;
};

} // namespace fairy2::training
