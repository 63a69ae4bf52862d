// SPDX-License-Identifier: Apache-2.0
#include "follow.h"
#include "runs/launcher.h"

#include <fmt/format.h>

namespace fairy2::cli {
namespace {

struct Options {
    std::vector<std::string> overrides;
    std::string name;
    bool detach = false;
};

base::Result<Outcome> train(const Options& options, const Invocation& invocation) {
    FAIRY2_ASSIGN(const auto composition, config::compose(options.overrides));
    FAIRY2_ASSIGN(const auto run, runs::launch(composition, invocation.commandLine, options.name));
    if (!options.detach) {
        fmt::print(stderr, "run {}\n", run.uuid());
        return followToEnd(run, invocation.task);
    }
    FAIRY2_ASSIGN(const auto summary, run.summary());
    return Outcome{runDocument(summary, {}),
                   fmt::format("{}\nfairy2 runs watch {}\n", run.uuid(), run.uuid().substr(0, 8))};
}

} // namespace

void addTrain(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(
        program, invocation, "train", "compose a configuration and train",
        "fairy2 train training=fairy2_w2 model=smollm2_135m data=tokens data.tokens=rows.safetensors "
        "training.max_steps=100");
    auto options = std::make_shared<Options>();
    verb->add_option("overrides", options->overrides,
                     "group=option and key=value, in Hydra's grammar (fairy2 config show lists all keys)");
    verb->add_option("--name", options->name, "name of the run");
    verb->add_flag("--detach", options->detach, "return as soon as the run has started");
    verb->callback([&invocation, options] {
        invocation.run = [&invocation, options] { return train(*options, invocation); };
    });
}

} // namespace fairy2::cli
