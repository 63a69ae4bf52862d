// SPDX-License-Identifier: Apache-2.0
#include "torchengine.h"

#include "base/paths.h"
#include "base/process.h"

#include <fmt/format.h>

namespace fairy2::cli {
namespace {

std::vector<std::string> argumentsOf(const TorchEvaluation& evaluation) {
    std::vector<std::string> arguments = {"eval", evaluation.checkpoint, "--tokens", evaluation.tokens,
                                          "--json"};
    const auto add = [&arguments](const char* option, const std::string& value) {
        arguments.emplace_back(option);
        arguments.push_back(value);
    };
    if (!evaluation.key.empty()) add("--key", evaluation.key);
    if (evaluation.maxRows > 0) add("--max-rows", std::to_string(evaluation.maxRows));
    if (!evaluation.recipe) return arguments;
    const auto& recipe = *evaluation.recipe;
    add("--stages", std::to_string(recipe.defaults.stages));
    add("--scale", name(recipe.defaults.scale));
    if (recipe.quantizeLmHead) arguments.emplace_back("--lm-head");
    if (!recipe.rules.empty()) add("--layers", recipe.toJson()["layers"].dump());
    return arguments;
}

base::Error errorOf(const base::Json& error, int exitCode) {
    const auto text = [&error](const char* key) {
        const auto found = error.find(key);
        return found != error.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const auto code = exitCode == 3   ? base::ErrorCode::BadInput
                      : exitCode == 2 ? base::ErrorCode::Usage
                                      : base::ErrorCode::Failed;
    return {code, text("message"), text("file"), text("field"), text("hint")};
}

} // namespace

base::Result<base::Json> evaluateInTrainer(const TorchEvaluation& evaluation, const base::Task& task) {
    FAIRY2_ASSIGN(const auto program, base::findProgram("fairy2-trainer"));
    auto argv = argumentsOf(evaluation);
    argv.insert(argv.begin(), program.string());
    base::ProcessOptions options;
    options.cancel = task.cancel;
    FAIRY2_ASSIGN(const auto child, base::runProcess(argv, options));
    auto document = base::parseJson(child.output, program.string());
    if (document && document->is_object()) {
        if (const auto error = document->find("error"); error != document->end() && error->is_object())
            return tl::unexpected(errorOf(*error, child.exitCode));
        if (child.succeeded()) return document;
    }
    return base::fail(base::ErrorCode::Failed,
                      child.signal != 0 ? fmt::format("the trainer was ended by signal {}", child.signal)
                                        : fmt::format("the trainer ended with exit code {}", child.exitCode),
                      program.string(), {}, child.errors);
}

} // namespace fairy2::cli
