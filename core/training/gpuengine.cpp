// SPDX-License-Identifier: Apache-2.0
#include "training/gpuengine.h"

#include "training/cuda/interface.h"
#include "training/gpumodule.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace fairy2::training {
namespace {

/// The module's functions; found once, all or none (the interface number was checked on loading).
struct Functions {
    decltype(&fairy2CudaMessage) message = nullptr;
    decltype(&fairy2CudaEngineCreate) create = nullptr;
    decltype(&fairy2CudaEngineDestroy) destroy = nullptr;
    decltype(&fairy2CudaEngineDescribe) describe = nullptr;
    decltype(&fairy2CudaEngineTensors) tensors = nullptr;
    decltype(&fairy2CudaEngineTensor) tensor = nullptr;
    decltype(&fairy2CudaEngineRead) read = nullptr;
    decltype(&fairy2CudaEngineWrite) write = nullptr;
    decltype(&fairy2CudaEngineWriteTeacher) writeTeacher = nullptr;
    decltype(&fairy2CudaEngineUpdates) updates = nullptr;
    decltype(&fairy2CudaEngineSetUpdates) setUpdates = nullptr;
    decltype(&fairy2CudaEngineRefresh) refresh = nullptr;
    decltype(&fairy2CudaEngineAccumulate) accumulate = nullptr;
    decltype(&fairy2CudaEngineLoss) loss = nullptr;
    decltype(&fairy2CudaEngineFinish) finish = nullptr;
    decltype(&fairy2CudaEngineDrop) drop = nullptr;
    decltype(&fairy2CudaEngineReport) report = nullptr;
    decltype(&fairy2CudaEngineEvaluate) evaluate = nullptr;

    [[nodiscard]] static const Functions& instance() {
        static const Functions functions(GpuModule::instance());
        return functions;
    }

private:
    explicit Functions(const GpuModule& module) {
        const auto find = [&](auto& function, const char* name) {
            function = module.find<std::remove_pointer_t<std::remove_reference_t<decltype(function)>>>(name);
        };
        find(message, "fairy2CudaMessage");
        find(create, "fairy2CudaEngineCreate");
        find(destroy, "fairy2CudaEngineDestroy");
        find(describe, "fairy2CudaEngineDescribe");
        find(tensors, "fairy2CudaEngineTensors");
        find(tensor, "fairy2CudaEngineTensor");
        find(read, "fairy2CudaEngineRead");
        find(write, "fairy2CudaEngineWrite");
        find(writeTeacher, "fairy2CudaEngineWriteTeacher");
        find(updates, "fairy2CudaEngineUpdates");
        find(setUpdates, "fairy2CudaEngineSetUpdates");
        find(refresh, "fairy2CudaEngineRefresh");
        find(accumulate, "fairy2CudaEngineAccumulate");
        find(loss, "fairy2CudaEngineLoss");
        find(finish, "fairy2CudaEngineFinish");
        find(drop, "fairy2CudaEngineDrop");
        find(report, "fairy2CudaEngineReport");
        find(evaluate, "fairy2CudaEngineEvaluate");
    }
};

base::Result<void> checked(int status) {
    if (status == 0) return {};
    return base::fail(base::ErrorCode::Failed,
                      fmt::format("on the GPU: {}", Functions::instance().message()));
}

constexpr std::array kLinears = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                 "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                 "mlp.down_proj"};

Fairy2CudaRecipe cudaRecipe(const quant::LayerRecipe& recipe) {
    return {recipe.quantizes() ? recipe.stages : 0, static_cast<std::int32_t>(recipe.scale)};
}

std::vector<Fairy2CudaRecipe> recipesOf(const models::ModelSpec& spec, const quant::ModelRecipe& recipe) {
    std::vector<Fairy2CudaRecipe> recipes;
    for (std::int64_t layer = 0; layer < spec.layers; ++layer)
        for (const char* const linear : kLinears)
            recipes.push_back(cudaRecipe(recipe.forLayer(fmt::format("model.layers.{}.{}", layer, linear))));
    recipes.push_back(cudaRecipe(recipe.forLayer("lm_head")));
    return recipes;
}

std::string withoutWeight(const std::string& name) {
    constexpr std::string_view kSuffix = ".weight";
    return name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
}

models::TensorSlot slotOf(const ParameterInfo& parameter) {
    return {parameter.name, parameter.shape,
            parameter.shape.size() == 2 && parameter.name != "model.embed_tokens.weight"};
}

class GpuEngine final : public Engine {
public:
    explicit GpuEngine(const EngineOptions& options)
        : m_clipNorm(options.clipNorm), m_distillation(options.distillation) {}
    ~GpuEngine() override { m_call.destroy(m_engine); }
    GpuEngine(const GpuEngine&) = delete;
    GpuEngine& operator=(const GpuEngine&) = delete;

    base::Result<void> create(const Fairy2CudaSpec& spec, int device) {
        FAIRY2_TRY(checked(m_call.create(&spec, device, &m_engine)));
        for (std::int64_t i = 0; i < m_call.tensors(m_engine); ++i) {
            Fairy2CudaTensor tensor{};
            FAIRY2_TRY(checked(m_call.tensor(m_engine, i, &tensor)));
            ParameterInfo info;
            info.name = tensor.name;
            info.shape = tensor.norm != 0 ? std::vector{tensor.cols} : std::vector{tensor.rows, tensor.cols};
            info.elements = tensor.rows * tensor.cols;
            const bool isEmbedding = info.name == "model.embed_tokens.weight";
            info.quantized = tensor.quantized >= 0 && !isEmbedding;
            if (tensor.quantized >= 0) {
                m_layers.resize(std::max(m_layers.size(), static_cast<std::size_t>(tensor.quantized) + 1));
                m_layers[static_cast<std::size_t>(tensor.quantized)] =
                    isEmbedding ? "lm_head" : withoutWeight(info.name);
            }
            m_parameters.push_back(std::move(info));
        }
        return {};
    }

    base::Result<void> load(const WeightSource& weights) {
        for (std::size_t i = 0; i < m_parameters.size(); ++i) {
            FAIRY2_ASSIGN(const auto values, weights(slotOf(m_parameters[i])));
            FAIRY2_TRY(write(i, Part::Master, values));
            if (m_distillation.weight <= 0) continue;
            FAIRY2_ASSIGN(const auto taught, m_distillation.teacher(slotOf(m_parameters[i])));
            FAIRY2_TRY(fits(i, taught.size()));
            FAIRY2_TRY(checked(m_call.writeTeacher(m_engine, static_cast<std::int64_t>(i), taught.data())));
        }
        m_distillation.teacher = {}; // its weights are on the GPU now
        return refresh();
    }

    void describeStages(const Fairy2CudaSpec& spec) {
        const auto linears = static_cast<std::size_t>(spec.layers) * kLinears.size();
        for (const auto& layer : m_layers) {
            if (layer == "lm_head") {
                m_stages.push_back(spec.recipes[linears].stages);
                continue;
            }
            for (std::size_t i = 0; i < linears; ++i)
                if (layer ==
                    fmt::format("model.layers.{}.{}", i / kLinears.size(), kLinears[i % kLinears.size()]))
                    m_stages.push_back(spec.recipes[i].stages);
        }
    }

    base::Result<Loss> accumulate(const Batch& batch, double share) override {
        FAIRY2_TRY(checked(m_call.accumulate(m_engine, batch.ids.data(), batch.rows, batch.length, share)));
        Loss loss;
        FAIRY2_TRY(checked(m_call.loss(m_engine, &loss.crossEntropy, &loss.distillation)));
        const auto scored = static_cast<double>(batch.scored());
        loss.crossEntropy /= scored;
        loss.distillation /= scored;
        const auto& d = m_distillation;
        loss.total = d.weight > 0 ? d.ceWeight * loss.crossEntropy +
                                        d.weight * d.temperature * d.temperature * loss.distillation
                                  : loss.crossEntropy;
        return loss;
    }

    base::Result<StepOutcome> finishStep(const StepSettings& settings) override {
        FAIRY2_TRY(checked(m_call.finish(m_engine, settings.learningRate, m_clipNorm, 1)));
        Fairy2CudaStep step{};
        std::vector<Fairy2CudaLayer> layers(m_layers.size());
        FAIRY2_TRY(checked(m_call.report(m_engine, &step, layers.data())));
        m_updates = step.updates;
        StepOutcome outcome;
        outcome.gradNorm = step.gradientNorm;
        outcome.skipped = step.skipped != 0;
        double flips = 0, codes = 0, energy = 0, left = 0;
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const auto& layer = layers[i];
            const auto stages = static_cast<std::size_t>(m_stages[i]);
            flips += static_cast<double>(layer.flips);
            codes += static_cast<double>(layer.codes);
            energy += layer.energy[0];
            left += layer.energy[stages];
            if (!settings.statistics) continue;
            LayerStatistics statistics;
            statistics.name = m_layers[i];
            statistics.flipRate = static_cast<double>(layer.flips) / static_cast<double>(layer.codes);
            for (std::size_t t = 1; t <= stages; ++t)
                statistics.residualEnergy.push_back(layer.energy[0] > 0 ? layer.energy[t] / layer.energy[0]
                                                                        : 0);
            outcome.layers.push_back(std::move(statistics));
        }
        outcome.flipRate = codes > 0 ? flips / codes : 0;
        outcome.residualEnergy = energy > 0 ? left / energy : 0;
        return outcome;
    }

    void dropStep() override { m_call.drop(m_engine); }

    base::Result<std::vector<double>> evaluate(const Batch& batch) override {
        std::vector<double> losses(static_cast<std::size_t>(batch.rows));
        FAIRY2_TRY(
            checked(m_call.evaluate(m_engine, batch.ids.data(), batch.rows, batch.length, losses.data())));
        return losses;
    }

    const std::vector<ParameterInfo>& parameters() const noexcept override { return m_parameters; }

    base::Result<void> read(std::size_t index, Part part, std::span<float> values) const override {
        FAIRY2_TRY(fits(index, values.size()));
        return checked(
            m_call.read(m_engine, static_cast<std::int64_t>(index), cudaPart(part), values.data()));
    }

    base::Result<void> write(std::size_t index, Part part, std::span<const float> values) override {
        FAIRY2_TRY(fits(index, values.size()));
        return checked(
            m_call.write(m_engine, static_cast<std::int64_t>(index), cudaPart(part), values.data()));
    }

    base::Result<void> refresh() override { return checked(m_call.refresh(m_engine)); }

    std::int64_t updates() const noexcept override { return m_updates; }
    void setUpdates(std::int64_t updates) noexcept override {
        // Fails only with the device itself; the next call says so.
        if (m_call.setUpdates(m_engine, updates) == 0) m_updates = updates;
    }

    [[nodiscard]] base::Json describe() const { return base::Json::parse(m_call.describe(m_engine)); }

private:
    [[nodiscard]] base::Result<void> fits(std::size_t index, std::size_t count) const {
        if (index < m_parameters.size() && static_cast<std::size_t>(m_parameters[index].elements) == count)
            return {};
        return base::fail(base::ErrorCode::Failed,
                          fmt::format("{} numbers do not fit parameter {} of the GPU engine", count, index));
    }
    [[nodiscard]] static int cudaPart(Part part) noexcept {
        switch (part) {
        case Part::Master:
            return Fairy2CudaMaster;
        case Part::FirstMoment:
            return Fairy2CudaFirstMoment;
        case Part::SecondMoment:
            return Fairy2CudaSecondMoment;
        case Part::Gradient:
            return Fairy2CudaGradient;
        case Part::Forward:
            break;
        }
        return Fairy2CudaForward;
    }

    const Functions& m_call = Functions::instance();
    Fairy2CudaEngine* m_engine = nullptr;
    double m_clipNorm;
    Distillation m_distillation;
    std::vector<ParameterInfo> m_parameters;
    std::vector<std::string> m_layers; ///< names of the quantised linears, in the engine's order
    std::vector<std::int32_t> m_stages;
    std::int64_t m_updates = 0;
};

} // namespace

base::Result<std::unique_ptr<Engine>> makeGpuEngine(const models::ModelSpec& spec,
                                                    const WeightSource& weights, const EngineOptions& options,
                                                    const GpuEngineOptions& gpu) {
    const auto& module = GpuModule::instance();
    if (!module.loaded()) return base::fail(base::ErrorCode::Failed, module.reason());
    const auto recipes = recipesOf(spec, options.recipe);
    const auto frequencies = models::ropeInverseFrequencies(spec);
    Fairy2CudaSpec cuda{};
    cuda.vocab = spec.vocabSize;
    cuda.hidden = spec.hiddenSize;
    cuda.intermediate = spec.intermediateSize;
    cuda.layers = spec.layers;
    cuda.heads = static_cast<std::int32_t>(spec.heads);
    cuda.kvHeads = static_cast<std::int32_t>(spec.kvHeads);
    cuda.headDim = static_cast<std::int32_t>(spec.headDim);
    cuda.tied = spec.tiedEmbeddings ? 1 : 0;
    cuda.qkNorm = spec.qkNorm ? 1 : 0;
    cuda.rmsEps = spec.rmsEps;
    cuda.inverseFrequencies = frequencies.data();
    cuda.recipes = recipes.data();
    cuda.rows = gpu.rows;
    cuda.sequence = gpu.sequence;
    cuda.accumulates = gpu.accumulates ? 1 : 0;
    cuda.bf16 = gpu.bf16 ? 1 : 0;
    cuda.trainable = options.trainable ? 1 : 0;
    cuda.deterministic = gpu.deterministic ? 1 : 0;
    cuda.recomputeSwiglu = gpu.recomputeSwiglu ? 1 : 0;
    cuda.beta1 = options.beta1;
    cuda.beta2 = options.beta2;
    cuda.eps = options.eps;
    cuda.weightDecay = options.weightDecay;
    cuda.ceWeight = options.distillation.ceWeight;
    cuda.distillWeight = options.distillation.weight;
    cuda.distillTemperature = options.distillation.temperature;
    auto engine = std::make_unique<GpuEngine>(options);
    FAIRY2_TRY(engine->create(cuda, gpu.device));
    engine->describeStages(cuda);
    FAIRY2_TRY(engine->load(weights));
    return engine;
}

base::Json describeGpuEngine(const Engine& engine) {
    const auto* const gpu = dynamic_cast<const GpuEngine*>(&engine);
    return gpu == nullptr ? base::Json() : gpu->describe();
}

} // namespace fairy2::training
