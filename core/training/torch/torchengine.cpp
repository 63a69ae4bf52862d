// SPDX-License-Identifier: Apache-2.0
#include "quant/quantizer.h"
#include "training/adamw.h"
#include "training/engine.h"
#include "training/torch/decoder.h"
#include "training/torch/head.h"
#include "training/torch/parameters.h"

#include <cmath>
#include <fmt/format.h>

namespace fairy2::training {
namespace {

// Runs LibTorch code and turns what it throws into an error.
template <typename Body>
auto guarded(const char* what, const Body& body) -> decltype(body()) {
    try {
        return body();
    } catch (const c10::Error& error) {
        return base::fail(base::ErrorCode::Failed,
                          fmt::format("LibTorch failed in {}: {}", what, error.what_without_backtrace()));
    } catch (const std::exception& error) {
        return base::fail(base::ErrorCode::Failed, fmt::format("{} failed: {}", what, error.what()));
    }
}

at::Tensor idsOf(const Batch& batch) {
    return at::from_blob(const_cast<std::int32_t*>(batch.ids.data()), {batch.rows, batch.length}, at::kInt)
        .to(at::kLong);
}

double squaredDistance(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += difference * difference;
    }
    return sum;
}

std::span<float> valuesOf(const at::Tensor& tensor) {
    return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

std::int64_t countFlips(const quant::QuantizedMatrix& before, const quant::QuantizedMatrix& after) {
    std::int64_t flips = 0;
    const auto count = [&](const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
        for (std::size_t i = 0; i < a.size(); ++i)
            flips += a[i] != b[i] ? 1 : 0;
    };
    for (std::size_t t = 0; t < before.stages.size(); ++t) {
        count(before.stages[t].u.codes, after.stages[t].u.codes);
        count(before.stages[t].w.codes, after.stages[t].w.codes);
    }
    return flips;
}

class TorchEngine final : public Engine {
public:
    TorchEngine(const models::ModelSpec& spec, EngineOptions options, ParameterTable table)
        : m_spec(spec), m_options(std::move(options)), m_table(std::move(table)),
          m_weights(m_table.decoder(spec)) {}

    base::Result<void> loadTeacher() {
        if (m_options.distillation.weight <= 0) return {};
        FAIRY2_ASSIGN(const auto table, ParameterTable::create(m_spec, m_options.distillation.teacher,
                                                               quant::ModelRecipe{{0}, false, {}}, false));
        m_teacher = table.decoder(m_spec);
        return {};
    }

    base::Result<Loss> accumulate(const Batch& batch, double share) override {
        return guarded("the training step",
                       [&]() -> base::Result<Loss> { return forwardBackward(batch, share); });
    }

    base::Result<StepOutcome> finishStep(const StepSettings& settings) override {
        StepOutcome outcome;
        double squares = 0;
        for (const Parameter& parameter : m_table.all())
            squares += sumOfSquares(valuesOf(parameter.gradient), m_options.threads);
        outcome.gradNorm = std::sqrt(squares);
        if (!m_lossFinite || !std::isfinite(outcome.gradNorm)) {
            outcome.skipped = true;
            dropStep();
            return outcome;
        }
        std::vector<quant::QuantizedMatrix> before;
        if (settings.statistics) {
            FAIRY2_ASSIGN(before, codes());
        }
        update(settings, outcome.gradNorm);
        FAIRY2_TRY(refresh());
        if (settings.statistics) FAIRY2_TRY(describe(before, outcome));
        dropStep();
        return outcome;
    }

    void dropStep() override {
        for (const Parameter& parameter : m_table.all())
            parameter.gradient.zero_();
        m_lossFinite = true;
    }

    base::Result<std::vector<double>> evaluate(const Batch& batch) override {
        return guarded("the forward pass", [&]() -> base::Result<std::vector<double>> {
            const c10::NoGradGuard noGradient;
            const auto ids = idsOf(batch);
            const auto hidden = decoderForward(m_spec, m_weights, rope(batch.length), embed(m_weights, ids));
            const auto losses = headLoss({scored(hidden), m_weights.head, targets(ids)});
            const auto sums = losses.view({batch.rows, batch.length - 1}).sum(1, false, at::kDouble);
            return std::vector<double>(sums.const_data_ptr<double>(),
                                       sums.const_data_ptr<double>() + batch.rows);
        });
    }

    const std::vector<ParameterInfo>& parameters() const noexcept override { return m_table.infos(); }

    base::Result<void> read(std::size_t index, Part part, std::span<float> values) const override {
        FAIRY2_ASSIGN(const auto source, view(index, part, values.size()));
        std::copy(source.begin(), source.end(), values.begin());
        return {};
    }

    base::Result<void> write(std::size_t index, Part part, std::span<const float> values) override {
        FAIRY2_ASSIGN(const auto target, view(index, part, values.size()));
        std::copy(values.begin(), values.end(), target.begin());
        return {};
    }

    base::Result<void> refresh() override { return m_table.quantize(m_options.threads); }

    std::int64_t updates() const noexcept override { return m_updates; }
    void setUpdates(std::int64_t updates) noexcept override { m_updates = updates; }

private:
    base::Result<Loss> forwardBackward(const Batch& batch, double share) {
        const auto ids = idsOf(batch);
        const auto& table = rope(batch.length);
        auto embedded = embed(m_weights, ids);
        embedded.requires_grad_(true);
        const auto hidden = decoderForward(m_spec, m_weights, table, embedded);

        HeadGradient head;
        {
            const c10::NoGradGuard noGradient;
            const auto& distillation = m_options.distillation;
            TeacherInput teacher{{}, m_teacher.head, distillation.weight, distillation.temperature};
            if (distillation.weight > 0)
                teacher.hidden = scored(decoderForward(m_spec, m_teacher, table, embed(m_teacher, ids)));
            auto headWeightGradient = m_table.headGradient();
            head = headGradient({scored(hidden.detach()), m_weights.head, targets(ids)}, teacher,
                                distillation.ceWeight, share, headWeightGradient);
        }
        m_lossFinite = m_lossFinite && std::isfinite(head.loss.total);
        // The last position of a row predicts nothing.
        auto hiddenGradient = at::zeros_like(hidden);
        hiddenGradient.slice(1, 0, batch.length - 1)
            .copy_(head.hidden.view({batch.rows, batch.length - 1, m_spec.hiddenSize}));
        hidden.backward(hiddenGradient);
        scatterToEmbedding(batch, embedded.grad());
        return head.loss;
    }

    // Row by row in order: the same sums on every run.
    void scatterToEmbedding(const Batch& batch, const at::Tensor& gradient) const {
        float* const target = m_table.embeddingGradient().data_ptr<float>();
        const auto contiguous = gradient.contiguous();
        const float* source = contiguous.const_data_ptr<float>();
        for (const std::int32_t id : batch.ids) {
            float* const row = target + id * m_spec.hiddenSize;
            for (std::int64_t i = 0; i < m_spec.hiddenSize; ++i)
                row[i] += source[i];
            source += m_spec.hiddenSize;
        }
    }

    static at::Tensor embed(const DecoderWeights& weights, const at::Tensor& ids) {
        const c10::NoGradGuard noGradient;
        return at::embedding(weights.embedding, ids);
    }

    at::Tensor scored(const at::Tensor& hidden) const {
        return hidden.slice(1, 0, hidden.size(1) - 1).reshape({-1, m_spec.hiddenSize});
    }

    static at::Tensor targets(const at::Tensor& ids) { return ids.slice(1, 1).reshape({-1}); }

    const RopeTable& rope(std::int64_t length) {
        if (!m_rope.cos.defined() || m_rope.cos.size(0) != length)
            m_rope = makeRopeTable(m_spec, length, at::kFloat);
        return m_rope;
    }

    void update(const StepSettings& settings, double gradNorm) {
        AdamW step;
        step.learningRate = settings.learningRate;
        step.beta1 = m_options.beta1;
        step.beta2 = m_options.beta2;
        step.eps = m_options.eps;
        step.weightDecay = m_options.weightDecay;
        step.update = ++m_updates;
        step.gradientScale = clipScale(gradNorm, m_options.clipNorm);
        for (const Parameter& parameter : m_table.all())
            applyAdamW(step, valuesOf(parameter.master), valuesOf(parameter.firstMoment),
                       valuesOf(parameter.secondMoment), valuesOf(parameter.gradient), m_options.threads);
    }

    base::Result<std::vector<quant::QuantizedMatrix>> codes() const {
        std::vector<quant::QuantizedMatrix> all;
        for (const QuantizedWeight& weight : m_table.quantized()) {
            FAIRY2_ASSIGN(auto matrix,
                          quant::quantize(m_table.master(weight), weight.recipe, m_options.threads));
            all.push_back(std::move(matrix));
        }
        return all;
    }

    // Compares with the codes before the update. Stage t alone is what a quantiser of t stages leaves, since
    // each stage only sees the residual of those before it.
    base::Result<void> describe(const std::vector<quant::QuantizedMatrix>& before,
                                StepOutcome& outcome) const {
        double energy = 0;
        double residual = 0;
        std::int64_t flips = 0;
        std::int64_t codeCount = 0;
        std::vector<float> partial;
        for (std::size_t i = 0; i < before.size(); ++i) {
            const QuantizedWeight& weight = m_table.quantized()[i];
            const auto master = m_table.master(weight);
            const auto values = valuesOf(m_table.all()[weight.parameter].master);
            FAIRY2_ASSIGN(const auto now, quant::quantize(master, weight.recipe, m_options.threads));
            LayerStatistics layer;
            layer.name = weight.layer;
            const auto layerFlips = countFlips(before[i], now);
            const auto layerCodes = master.rows * master.cols / 2 * weight.recipe.stages;
            layer.flipRate = static_cast<double>(layerFlips) / static_cast<double>(layerCodes);
            const double layerEnergy = sumOfSquares(values, m_options.threads);
            double left = 0;
            partial.resize(values.size());
            for (int stages = 1; stages <= weight.recipe.stages; ++stages) {
                auto recipe = weight.recipe;
                recipe.stages = stages;
                FAIRY2_TRY(quant::fakeQuantize(master, recipe, partial.data(), m_options.threads));
                left = squaredDistance(values, partial);
                layer.residualEnergy.push_back(layerEnergy > 0 ? left / layerEnergy : 0);
            }
            energy += layerEnergy;
            residual += left;
            flips += layerFlips;
            codeCount += layerCodes;
            outcome.layers.push_back(std::move(layer));
        }
        if (codeCount > 0) outcome.flipRate = static_cast<double>(flips) / static_cast<double>(codeCount);
        if (energy > 0) outcome.residualEnergy = residual / energy;
        return {};
    }

    base::Result<std::span<float>> view(std::size_t index, Part part, std::size_t expected) const {
        const Parameter& parameter = m_table.all()[index];
        const at::Tensor* tensor = nullptr;
        switch (part) {
        case Part::Master:
            tensor = &parameter.master;
            break;
        case Part::FirstMoment:
            tensor = &parameter.firstMoment;
            break;
        case Part::SecondMoment:
            tensor = &parameter.secondMoment;
            break;
        case Part::Gradient:
            tensor = &parameter.gradient;
            break;
        case Part::Forward:
            tensor = &parameter.forward;
            break;
        }
        if (!tensor->defined() || static_cast<std::size_t>(tensor->numel()) != expected)
            return base::fail(base::ErrorCode::Failed, "the engine holds no such values of this size", {},
                              parameter.info.name);
        return valuesOf(*tensor);
    }

    models::ModelSpec m_spec;
    EngineOptions m_options;
    ParameterTable m_table;
    DecoderWeights m_weights;
    DecoderWeights m_teacher;
    RopeTable m_rope;
    std::int64_t m_updates = 0;
    bool m_lossFinite = true;
};

} // namespace

base::Result<std::unique_ptr<Engine>>
makeTorchEngine(const models::ModelSpec& spec, const WeightSource& weights, const EngineOptions& options) {
    return guarded("building the model", [&]() -> base::Result<std::unique_ptr<Engine>> {
        at::set_num_threads(options.threads);
        FAIRY2_ASSIGN(auto table, ParameterTable::create(spec, weights, options.recipe, options.trainable));
        auto engine = std::make_unique<TorchEngine>(spec, options, std::move(table));
        FAIRY2_TRY(engine->loadTeacher());
        FAIRY2_TRY(engine->refresh());
        return engine;
    });
}

} // namespace fairy2::training
