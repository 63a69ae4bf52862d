// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"
#include "follow.h"
#include "hub/cache.h"
#include "runs/launcher.h"

#include <fmt/format.h>

namespace fairy2::cli {
namespace {

struct Options {
    std::string model = "smollm2_135m";
    std::string mode = "w2";
    std::int64_t steps = 10;
    std::vector<std::string> overrides;
};

const std::map<std::string, std::string>& modes() {
    static const std::map<std::string, std::string> all = {
        {"fp", "0"}, {"w1", "1"}, {"w2", "2"}, {"w3", "3"}, {"w4", "4"}};
    return all;
}

// Without the weights in the cache the shape alone is trained, from random weights.
base::Result<config::Composition> compose(const Options& options, bool& isRandom) {
    std::vector<std::string> overrides = {"model=" + options.model, "training=smoke", "data=tinystories",
                                          "training.stages=" + modes().at(options.mode),
                                          fmt::format("training.max_steps={}", options.steps)};
    overrides.insert(overrides.end(), options.overrides.begin(), options.overrides.end());
    FAIRY2_ASSIGN(auto composition, config::compose(overrides));
    const auto& path = composition.tree["model"]["path"].get_ref<const std::string&>();
    const auto shape = base::dataDirectory() / "resources" / "models" / options.model;
    isRandom = hub::looksLikeRepository(path) && !hub::locate(path) &&
               std::filesystem::exists(shape / "config.json");
    if (!isRandom) return composition;
    overrides.push_back("model.init=random");
    overrides.push_back("model.path='" + shape.string() + "'");
    return config::compose(overrides);
}

base::Result<Outcome> smoke(const Options& options, const Invocation& invocation) {
    bool isRandom = false;
    FAIRY2_ASSIGN(const auto composition, compose(options, isRandom));
    if (isRandom)
        fmt::print(stderr, "{} is not in the Hugging Face cache: its shape with random weights is trained\n",
                   options.model);
    FAIRY2_ASSIGN(const auto run, runs::launch(composition, invocation.commandLine,
                                               fmt::format("smoke {} {}", options.model, options.mode)));
    auto outcome = followToEnd(run, invocation.task);
    if (outcome) outcome->document["random_weights"] = isRandom;
    return outcome;
}

} // namespace

void addSmoke(CLI::App& program, Invocation& invocation) {
    auto* verb =
        declareVerb(program, invocation, "smoke", "a few training steps that prove that everything works",
                    "fairy2 smoke --model smollm2_135m --mode w2 --steps 10");
    auto options = std::make_shared<Options>();
    verb->add_option("--model", options->model, "an option of the group model")->capture_default_str();
    verb->add_option("--mode", options->mode, "fp, w1, w2, w3 or w4: residual stages")
        ->check(CLI::IsMember(modes()))
        ->capture_default_str();
    verb->add_option("--steps", options->steps, "optimiser steps")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    verb->add_option("overrides", options->overrides, "further key=value");
    verb->callback([&invocation, options] {
        invocation.run = [&invocation, options] { return smoke(*options, invocation); };
    });
}

} // namespace fairy2::cli
