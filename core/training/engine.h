// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/spec.h"
#include "quant/recipe.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace fairy2::training {

/// Token rows of one length: what one forward pass takes.
struct Batch {
    std::int64_t rows = 0;
    std::int64_t length = 0;
    std::vector<std::int32_t> ids; ///< rows × length

    [[nodiscard]] std::int64_t scored() const noexcept { return rows * (length - 1); }
};

/// Mean losses in nats per scored token; every position but the first of a row is scored.
struct Loss {
    double total = 0;        ///< what the gradient is of
    double crossEntropy = 0; ///< of the next token
    double distillation = 0; ///< KL(teacher ‖ student) at the distillation temperature, before its weight
};

/// How the end of an optimiser step is done.
struct StepSettings {
    double learningRate = 0;
    bool statistics = false; ///< also fill StepOutcome::layers
};

/// What one step did to the codes of one linear layer.
struct LayerStatistics {
    std::string name;
    double flipRate = 0;                ///< share of codes that differ from the previous step's, all stages
    std::vector<double> residualEnergy; ///< ‖A − A_q‖² / ‖A‖² after stage 1, 2, …
};

struct StepOutcome {
    double gradNorm = 0;       ///< before clipping
    bool skipped = false;      ///< loss or norm was not finite: weights and moments are as before
    double flipRate = 0;       ///< share of all codes that changed in this step
    double residualEnergy = 0; ///< Σ‖A − A_q‖² / Σ‖A‖² over the quantised layers
    std::vector<LayerStatistics> layers;
};

/// What of a parameter is asked for.
enum class Part { Master, FirstMoment, SecondMoment, Gradient, Forward };

/// One trainable tensor.
struct ParameterInfo {
    std::string name; ///< Hugging Face name
    std::vector<std::int64_t> shape;
    std::int64_t elements = 0;
    bool quantized =
        false; ///< its forward weight is A_q (a quantised tied head counts as the head, not here)
};

/// A model in training: fp32 master weights, their optimiser state, and the machine that computes with them.
/// The loop above knows no tensor library and no device; an engine knows no file, schedule or data order. A
/// step is accumulate() once per micro-batch, then finishStep() or dropStep().
class Engine {
public:
    virtual ~Engine() = default;

    /// Forward and backward of one micro-batch. Its gradient, weighted with `share` (1 / micro-batches a
    /// step), is added to the main gradients in fp32.
    [[nodiscard]] virtual base::Result<Loss> accumulate(const Batch& batch, double share) = 0;
    /// Norm, clipping, AdamW, and quantising the new weights once for all forward passes until the next call.
    [[nodiscard]] virtual base::Result<StepOutcome> finishStep(const StepSettings& settings) = 0;
    /// Forgets the gradients accumulated so far.
    virtual void dropStep() = 0;
    /// Forward only: summed negative log-likelihood per row in nats.
    [[nodiscard]] virtual base::Result<std::vector<double>> evaluate(const Batch& batch) = 0;

    [[nodiscard]] virtual const std::vector<ParameterInfo>& parameters() const noexcept = 0;
    /// Copies one part of parameter `index`, row-major fp32, into or out of `values` (as many as its
    /// elements).
    [[nodiscard]] virtual base::Result<void> read(std::size_t index, Part part,
                                                  std::span<float> values) const = 0;
    [[nodiscard]] virtual base::Result<void> write(std::size_t index, Part part,
                                                   std::span<const float> values) = 0;
    /// To be called after masters were written: quantises them.
    [[nodiscard]] virtual base::Result<void> refresh() = 0;

    /// Optimiser updates applied so far: the time of AdamW's bias correction.
    [[nodiscard]] virtual std::int64_t updates() const noexcept = 0;
    virtual void setUpdates(std::int64_t updates) noexcept = 0;
};

/// Gives the initial fp32 values of a tensor of the model, row-major.
using WeightSource = std::function<base::Result<std::vector<float>>(const models::TensorSlot& slot)>;

/// Learning from a full-precision teacher: loss = ceWeight·CE + weight·T²·KL(teacher ‖ student) at
/// temperature T.
struct Distillation {
    double weight = 0; ///< 0 = no teacher
    double temperature = 1;
    double ceWeight = 1;
    WeightSource teacher; ///< weights of the same architecture
};

struct EngineOptions {
    quant::ModelRecipe recipe;
    Distillation distillation;
    double beta1 = 0.9;
    double beta2 = 0.95;
    double eps = 1e-8;
    double weightDecay = 0; ///< decoupled, on all parameters, as torch.optim.AdamW
    double clipNorm = 0;    ///< 0 = off
    bool trainable = true;  ///< false: evaluation only, no gradients and moments
    /// Threads of the matrix products. Results are bit-identical for equal numbers on one machine, not
    /// between numbers.
    int threads = 1;
};

/// Engine on LibTorch's CPU operators in fp32.
[[nodiscard]] base::Result<std::unique_ptr<Engine>>
makeTorchEngine(const models::ModelSpec& spec, const WeightSource& weights, const EngineOptions& options);

} // namespace fairy2::training
