// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "engine.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <random>
#include <stdexcept>

namespace fairy2::gpucheck {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Settings {
    std::map<std::string, std::string> values{{"model", "smollm2"},   {"stages", "2"},     {"rows", "16"},
                                              {"sequence", "2048"},   {"accumulate", "1"}, {"steps", "10"},
                                              {"recompute", "0"},     {"grouping", "0"},   {"logits", "0"},
                                              {"deterministic", "0"}, {"distill", "0"}};
    [[nodiscard]] std::int64_t number(const std::string& key) const { return std::stoll(values.at(key)); }
};

gpu::ModelShape shapeOf(const std::string& model) {
    if (model == "smollm2") return {49152, 576, 1536, 30, 9, 3, 64, true, false};
    if (model == "qwen3") return {151936, 2560, 9728, 36, 32, 8, 128, true, true};
    throw std::runtime_error("model is smollm2 or qwen3");
}

} // namespace

void bench(int argc, char** argv) {
    Settings settings;
    for (int i = 0; i < argc; ++i) {
        const std::string text = argv[i];
        const auto equals = text.find('=');
        if (equals == std::string::npos || settings.values.count(text.substr(0, equals)) == 0)
            throw std::runtime_error("not an option of bench: " + text);
        settings.values[text.substr(0, equals)] = text.substr(equals + 1);
    }
    const auto begin = Clock::now();
    gpu::EngineOptions options;
    options.shape = shapeOf(settings.values.at("model"));
    const gpu::LinearRecipe recipe{int(settings.number("stages")), int(settings.number("grouping"))};
    options.recipes.assign(static_cast<std::size_t>(options.shape.layers * 7), recipe);
    options.recipes.push_back({});
    for (int j = 0; j < options.shape.headDim / 2; ++j)
        options.inverseFrequencies.push_back(std::pow(100000.0, -2.0 * j / options.shape.headDim));
    options.rows = settings.number("rows");
    options.sequence = settings.number("sequence");
    options.recomputeSwiglu = settings.number("recompute") != 0;
    options.accumulates = settings.number("accumulate") > 1;
    options.logitTokens = settings.number("logits");
    options.deterministic = settings.number("deterministic") != 0;
    if (settings.number("distill") != 0) options.distillation = {0, 1, 1};
    gpu::Engine engine(options, 0);
    const double created = secondsSince(begin);

    std::mt19937_64 random(1);
    std::normal_distribution<float> normal(0, 0.02F);
    std::vector<float> noise(1 << 20);
    for (auto& value : noise)
        value = normal(random);
    const auto& parameters = engine.space().parameters();
    std::vector<float> values;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        values.assign(static_cast<std::size_t>(parameters[i].elements()), 1.0F);
        if (!parameters[i].norm)
            for (std::size_t k = 0; k < values.size(); ++k)
                values[k] = noise[(k * 7 + i * 131) % noise.size()];
        engine.write(int(i), gpu::Engine::Part::Master, values.data());
        if (options.distillation.weight > 0) engine.writeTeacher(int(i), values.data());
    }
    engine.refresh();
    std::uniform_int_distribution<std::int32_t> uniform(0, std::int32_t(options.shape.vocab - 1));
    std::vector<std::int32_t> ids(static_cast<std::size_t>(options.rows * options.sequence));
    for (auto& id : ids)
        id = uniform(random);

    const auto accumulate = settings.number("accumulate");
    const auto step = [&] {
        for (std::int64_t micro = 0; micro < accumulate; ++micro)
            engine.accumulate(ids.data(), options.rows, options.sequence, 1.0 / double(accumulate));
        engine.finish(1e-4F, 1, 1);
    };
    step();
    engine.synchronize();
    const double first = secondsSince(begin);
    const double firstLoss = engine.lastLoss().crossEntropy / double(options.rows * (options.sequence - 1));
    const auto warm = Clock::now();
    while (secondsSince(warm) < 1.5)
        step(), engine.synchronize();
    const auto steps = settings.number("steps");
    double best = 1e30, total = 0;
    for (int turn = 0; turn < 3; ++turn) {
        const auto start = Clock::now();
        for (std::int64_t i = 0; i < steps; ++i)
            step();
        engine.synchronize();
        const double each = secondsSince(start) / double(steps);
        best = std::min(best, each);
        total += each / 3;
    }
    const auto tokens = double(options.rows * options.sequence * accumulate);
    const auto& done = engine.report();
    std::string config;
    for (const auto& [key, value] : settings.values)
        config += fmt::format("{}\"{}\":\"{}\"", config.empty() ? "" : ",", key, value);
    std::string plan;
    for (const auto& entry : engine.plan())
        plan +=
            fmt::format("{}\"{}\":{:.2f}", plan.empty() ? "" : ",", entry.name, double(entry.bytes) / 1e9);
    fmt::print(
        "{{\"config\":{{{}}},\"attention\":\"{}\",\"tok_s\":{:.0f},\"tok_s_best\":{:.0f},\"step_ms\":{:.3f},"
        "\"first_step_s\":{:.2f},\"create_s\":{:.2f},\"tuning_s\":{:.2f},\"device_gb\":{:.2f},\"plan_gb\":{{{"
        "}}},"
        "\"first_loss\":{:.4f},\"last_loss\":{:.4f},\"norm\":{:.4f},\"skipped\":{}}}\n",
        config, engine.attentionName(), tokens / total, tokens / best, total * 1e3, first, created,
        engine.tuningSeconds(), double(engine.deviceBytes()) / 1e9, plan, firstLoss,
        engine.lastLoss().crossEntropy / double(options.rows * (options.sequence - 1)),
        done.control.gradientNorm, done.control.skipped);
    std::fflush(stdout);
}

} // namespace fairy2::gpucheck
