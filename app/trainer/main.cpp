// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/paths.h"
#include "training/backend.h"
#include "training/trainer.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <fmt/format.h>
#include <unistd.h>

namespace {

using namespace fairy2;

base::Cancel g_stop;

// The first signal asks for a save at the next step; the second ends the program at once.
extern "C" void onStopSignal(int signal) {
    if (g_stop.requested()) ::_exit(128 + signal);
    g_stop.request();
}

void installSignals() {
    struct sigaction action {};
    action.sa_handler = onStopSignal;
    action.sa_flags = SA_RESTART;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1})
        ::sigaction(signal, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

int report(const base::Error& error, bool json) {
    if (json) fmt::print("{}\n", base::Json{{"error", error.toJson()}}.dump(2));
    fmt::print(stderr, "fairy2-trainer: error: {}\n", error.sentence());
    return base::exitCode(error.code);
}

int printVersion(bool json) {
    const auto& backend = training::backend();
    if (json) {
        auto document = backend.toJson();
        document["version"] = base::version();
        fmt::print("{}\n", document.dump(2));
        return 0;
    }
    fmt::print("fairy2-trainer {}, LibTorch {}\n", base::version(), backend.libtorch);
    for (const auto& gpu : backend.gpus)
        fmt::print("GPU {}  {}, {:.1f} GB, compute capability {}.{}\n", gpu.index, gpu.name,
                   static_cast<double>(gpu.memoryBytes) / 1e9, gpu.computeMajor, gpu.computeMinor);
    if (backend.gpus.empty()) fmt::print("no GPU: {}\n", backend.reason);
    return 0;
}

struct EvaluationArguments {
    training::EvaluationRequest request;
    int stages = -1;
    std::string scale = "tensor";
};

int runEvaluation(EvaluationArguments& arguments, bool json) {
    if (arguments.stages >= 0) {
        const auto scale = quant::parseScaleGranularity(arguments.scale);
        if (!scale) return report(scale.error(), json);
        quant::ModelRecipe recipe;
        recipe.defaults = {arguments.stages, *scale, false};
        arguments.request.recipe = recipe;
    }
    base::Task task;
    task.cancel = &g_stop;
    const auto result = training::evaluate(arguments.request, task);
    if (!result) return report(result.error(), json);
    if (json) {
        fmt::print("{}\n", result->dump(2));
        return 0;
    }
    fmt::print("{:.5f} nats per token ± {:.5f}, perplexity {:.3f}, {} tokens scored\n",
               result->at("nats_per_token").get<double>(), result->at("standard_error").get<double>(),
               result->at("perplexity").get<double>(), result->at("tokens_scored").get<std::int64_t>());
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App program{"Trains and evaluates Fairy2i models with LibTorch", "fairy2-trainer"};
    bool version = false;
    bool json = false;
    program.add_flag("--version", version, "print versions and devices");
    program.add_flag("--json", json, "print one JSON document");
    program.fallthrough();
    program.require_subcommand(0, 1);

    std::string directory;
    bool resume = false;
    auto* run = program.add_subcommand("run", "train as a run directory says, until done or SIGTERM");
    run->add_option("DIR", directory, "run directory")->required();
    run->add_flag("--resume", resume, "continue from the latest verified checkpoint");

    EvaluationArguments evaluation;
    auto* eval = program.add_subcommand("eval", "mean loss of a checkpoint over token rows");
    eval->add_option("CHECKPOINT", evaluation.request.model, "folder, file or org/name")->required();
    eval->add_option("--tokens", evaluation.request.tokens, "rows of token ids: .safetensors or .txt")
        ->required();
    eval->add_option("--key", evaluation.request.key, "tensor of that file, default the first");
    eval->add_option("--stages", evaluation.stages,
                     "quantise on the way with so many stages, 0 = full precision")
        ->check(CLI::Range(0, 4));
    eval->add_option("--scale", evaluation.scale, "scale granularity of --stages: tensor, row, tile64");
    eval->add_option("--max-rows", evaluation.request.maxRows, "score only the first rows")
        ->check(CLI::NonNegativeNumber);

    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = program.exit(error);
        return code == 0 ? 0 : 2;
    }
    if (version) return printVersion(json);
    base::setLogLevel(base::LogLevel::Info);
    installSignals();
    if (eval->parsed()) return runEvaluation(evaluation, json);
    if (!run->parsed()) {
        fmt::print(stderr, "{}", program.help());
        return 2;
    }
    const auto trained = training::train(directory, resume, g_stop);
    return trained ? 0 : report(trained.error(), json);
}
