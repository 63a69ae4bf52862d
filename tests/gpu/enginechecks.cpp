// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "engine.h"
#include "models/spec.h"
#include "quant/quantizer.h"

#include <cmath>
#include <fmt/format.h>
#include <random>
#include <stdexcept>

namespace fairy2::gpucheck {
namespace {

using gpu::Element;
using gpu::Engine;
using gpu::EngineOptions;

std::vector<float> randomValues(std::int64_t count, float deviation, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (auto& value : values)
        value = normal(random);
    return values;
}

std::vector<std::int32_t> randomIds(std::int64_t count, std::int64_t vocab, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::int32_t> uniform(0, static_cast<std::int32_t>(vocab - 1));
    std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
    for (auto& id : ids)
        id = uniform(random);
    return ids;
}

// Norms near one, the rest small, the same for every engine with these parameters.
void fill(Engine& engine) {
    const auto& parameters = engine.space().parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        auto values = randomValues(parameters[i].elements(), parameters[i].norm ? 0.1F : 0.04F, i + 1);
        if (parameters[i].norm)
            for (auto& value : values)
                value += 1;
        engine.write(static_cast<int>(i), Engine::Part::Master, values.data());
    }
    engine.refresh();
}

EngineOptions smallOptions(bool qwen) {
    EngineOptions options;
    auto& shape = options.shape;
    shape.vocab = 1024;
    shape.hidden = qwen ? 320 : 576;
    shape.intermediate = qwen ? 512 : 1536;
    shape.layers = 3;
    shape.heads = qwen ? 4 : 9;
    shape.kvHeads = qwen ? 2 : 3;
    shape.headDim = qwen ? 128 : 64;
    shape.tied = !qwen;
    shape.qkNorm = qwen;
    options.recipes.assign(static_cast<std::size_t>(shape.layers * 7 + 1), {2, 0});
    for (int j = 0; j < shape.headDim / 2; ++j)
        options.inverseFrequencies.push_back(std::pow(10000.0, -2.0 * j / shape.headDim));
    options.rows = 3;
    options.sequence = 192;
    return options;
}

struct Gradients {
    std::vector<std::vector<float>> tensors;
    double loss = 0;
};

// Two micro-steps, so that both kinds of graph run; the second has a short batch.
Gradients gradientsOf(const EngineOptions& options) {
    Engine engine(options, 0);
    fill(engine);
    const auto vocab = options.shape.vocab;
    const auto whole = randomIds(options.rows * options.sequence, vocab, 99);
    const auto part = randomIds(2 * 100, vocab, 98);
    Gradients result;
    engine.accumulate(whole.data(), options.rows, options.sequence, 0.5);
    result.loss = engine.lastLoss().crossEntropy;
    engine.accumulate(part.data(), 2, 100, 0.5);
    result.loss += engine.lastLoss().crossEntropy;
    for (std::size_t i = 0; i < engine.space().parameters().size(); ++i) {
        result.tensors.emplace_back(static_cast<std::size_t>(engine.space().parameters()[i].elements()));
        engine.read(static_cast<int>(i), Engine::Part::Gradient, result.tensors.back().data());
    }
    return result;
}

double relativeError(const std::vector<float>& got, const std::vector<float>& want) {
    double error = 0, norm = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        error += std::pow(double(got[i]) - double(want[i]), 2);
        norm += std::pow(double(want[i]), 2);
    }
    return std::sqrt(error / std::max(norm, 1e-300));
}

} // namespace

void checkQuantizer(Report& report) {
    struct Case {
        const char* name;
        std::int64_t hidden, intermediate;
    };
    for (const Case& shape :
         {Case{"hidden 64, intermediate 172", 64, 172}, Case{"hidden 576, intermediate 1536", 576, 1536}})
        for (int grouping = 0; grouping < 3; ++grouping)
            for (int stages = 1; stages <= 4; ++stages) {
                EngineOptions options = smallOptions(false);
                options.shape.hidden = shape.hidden;
                options.shape.intermediate = shape.intermediate;
                options.shape.layers = 1;
                options.shape.heads = 8;
                options.shape.kvHeads = 4;
                options.shape.headDim = 8;
                options.inverseFrequencies.resize(4);
                options.recipes.assign(8, {stages, grouping});
                options.element = Element::F32;
                options.rows = 1;
                options.sequence = 16;
                options.trainable = false;
                Engine engine(options, 0);
                fill(engine);
                bool weights = true, scales = true, codes = true;
                for (std::size_t q = 0; q < engine.quantized().size(); ++q) {
                    const auto index = engine.quantized()[q].parameter;
                    const auto& parameter = engine.space().parameters()[static_cast<std::size_t>(index)];
                    std::vector<float> master(static_cast<std::size_t>(parameter.elements())),
                        forward = master;
                    engine.read(index, Engine::Part::Master, master.data());
                    engine.read(index, Engine::Part::Forward, forward.data());
                    quant::LayerRecipe recipe;
                    recipe.stages = stages;
                    recipe.scale = static_cast<quant::ScaleGranularity>(grouping);
                    const quant::MatrixView view{master.data(), parameter.rows, parameter.cols};
                    auto want = quant::quantize(view, recipe);
                    if (!want) throw std::runtime_error(want.error().sentence());
                    weights = weights && forward == quant::dequantize(*want);
                    std::vector<float> gotScales;
                    std::vector<std::uint8_t> gotCodes;
                    engine.readScales(q, gotScales);
                    engine.readCodes(q, gotCodes);
                    const auto plane = static_cast<std::size_t>(parameter.rows / 2 * parameter.cols / 2);
                    for (std::size_t t = 0; t < want->stages.size(); ++t) {
                        const auto& stage = want->stages[t];
                        for (std::size_t g = 0; g < stage.u.sRe.size(); ++g) {
                            const float* const got = gotScales.data() + (g * want->stages.size() + t) * 4;
                            scales = scales && got[0] == stage.u.sRe[g] && got[1] == stage.u.sIm[g] &&
                                     got[2] == stage.w.sRe[g] && got[3] == stage.w.sIm[g];
                        }
                        for (std::size_t i = 0; i < plane; ++i) {
                            const auto got = gotCodes[t / 2 * plane + i] >> (t % 2 * 4);
                            codes =
                                codes && (got & 3) == stage.u.codes[i] && (got >> 2 & 3) == stage.w.codes[i];
                        }
                    }
                }
                const char* const names[] = {"tensor", "row", "tile64"};
                report.check(
                    weights && scales && codes,
                    fmt::format("quantiser, {}, {} scales, T={}", shape.name, names[grouping], stages),
                    fmt::format("scales {}, codes {}, weights {} to core/quant", scales ? "equal" : "DIFFER",
                                codes ? "equal" : "DIFFER", weights ? "equal" : "DIFFER"));
            }
}

void checkGradients(Report& report) {
    for (const bool qwen : {false, true}) {
        auto options = smallOptions(qwen);
        options.element = Element::F32;
        const auto want = gradientsOf(options);
        options.element = Element::BF16;
        for (const bool recompute : {false, true}) {
            options.recomputeSwiglu = recompute;
            const auto got = gradientsOf(options);
            double worst = 0;
            std::string where;
            const gpu::ParameterSpace space(options.shape, options.recipes);
            for (std::size_t i = 0; i < got.tensors.size(); ++i) {
                const double error = relativeError(got.tensors[i], want.tensors[i]);
                if (!(error <= worst)) {
                    worst = error;
                    where = space.parameters()[i].name;
                }
            }
            report.check(worst < 0.03 && std::abs(got.loss / want.loss - 1) < 1e-3,
                         fmt::format("gradients of {} in bf16{}", qwen ? "a Qwen3" : "a Llama",
                                     recompute ? ", SwiGLU recomputed" : ""),
                         fmt::format("worst relative error {:.4f} ({}), loss {:.4f} and {:.4f} in fp32",
                                     worst, where, got.loss, want.loss));
        }
    }
}

void checkDistillation(Report& report) {
    auto options = smallOptions(false);
    options.distillation = {0, 1, 1};
    const auto ids = randomIds(options.rows * options.sequence, options.shape.vocab, 3);
    const auto scored = double(options.rows * (options.sequence - 1));
    const auto divergences = [&](int stages) {
        options.recipes.assign(options.recipes.size() - 1, {stages, 0});
        options.recipes.push_back({});
        Engine engine(options, 0);
        fill(engine);
        for (std::size_t i = 0; i < engine.space().parameters().size(); ++i) {
            std::vector<float> values(static_cast<std::size_t>(engine.space().parameters()[i].elements()));
            engine.read(static_cast<int>(i), Engine::Part::Master, values.data());
            engine.writeTeacher(static_cast<int>(i), values.data());
        }
        engine.refresh();
        std::vector<double> each;
        for (int step = 0; step < 30; ++step) {
            engine.accumulate(ids.data(), options.rows, options.sequence, 1);
            each.push_back(engine.lastLoss().divergence / scored);
            engine.finish(stages == 0 ? 0 : 1e-3F, 1, 1);
        }
        each.push_back(double(engine.report().control.gradientNorm));
        return each;
    };
    const auto same = divergences(0);
    report.check(std::abs(same.front()) < 1e-5 && same.back() < 1e-3, "a student that equals its teacher",
                 fmt::format("KL {:.1e}, norm of its gradient {:.1e}", same.front(), same.back()));
    const auto w2 = divergences(2);
    report.check(w2[29] < 0.5 * w2[0], "a W2 student learns from its teacher for 30 steps",
                 fmt::format("KL {:.4f} to {:.4f}", w2[0], w2[29]));
}

void checkDeterminism(Report& report) {
    auto options = smallOptions(false);
    options.deterministic = true;
    const auto run = [&] {
        Engine engine(options, 0);
        fill(engine);
        for (int step = 0; step < 5; ++step) {
            const auto ids =
                randomIds(options.rows * options.sequence, options.shape.vocab, std::uint64_t(step) + 5);
            engine.accumulate(ids.data(), options.rows, options.sequence, 1);
            engine.finish(1e-3F, 1, 1);
        }
        std::vector<std::vector<float>> masters;
        for (std::size_t i = 0; i < engine.space().parameters().size(); ++i) {
            masters.emplace_back(static_cast<std::size_t>(engine.space().parameters()[i].elements()));
            engine.read(static_cast<int>(i), Engine::Part::Master, masters.back().data());
        }
        return masters;
    };
    report.check(run() == run(), "five steps twice in deterministic mode", "masters equal bit for bit");
}

} // namespace fairy2::gpucheck
