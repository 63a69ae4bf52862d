// SPDX-License-Identifier: Apache-2.0
#include "infer/generate.h"
#include "modeltext.h"
#include "recipeoptions.h"
#include "verb.h"

#include <fmt/format.h>
#include <memory>
#include <unistd.h>

namespace fairy2::cli {
namespace {

struct GenerateArguments {
    std::string checkpoint;
    std::string prompt;
    std::string tokenizer;
    std::shared_ptr<RecipeOptions> recipe;
    infer::GenerateOptions options;
    bool ignoreEos = false;
};

void printPiece(const std::string& piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
}

base::Result<Outcome> run(const GenerateArguments& arguments, bool json, const base::Task& task) {
    FAIRY2_ASSIGN(const auto recipe, wantedRecipe(*arguments.recipe));
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(arguments.checkpoint));
    FAIRY2_ASSIGN(const auto tokenizer,
                  text::Tokenizer::open(arguments.tokenizer.empty() ? checkpoint->path()
                                                                    : base::Path(arguments.tokenizer)));
    FAIRY2_ASSIGN(const auto model, infer::Transformer::load(*checkpoint, recipe, task));
    auto options = arguments.options;
    options.stopAtEos = !arguments.ignoreEos;
    // The text itself shows the progress.
    base::Task quiet;
    quiet.cancel = task.cancel;
    std::function<void(const std::string&)> onText;
    if (!json) {
        printPiece(arguments.prompt);
        onText = printPiece;
    }
    const auto generated =
        infer::generate(*model, *tokenizer, arguments.prompt, options, json ? task : quiet, onText);
    if (!json) printPiece("\n");
    if (!generated) return tl::unexpected(generated.error());
    if (!json && ::isatty(STDERR_FILENO) != 0)
        fmt::print(stderr, "{} tokens, {:.1f} tokens/s\n", generated->ids.size(),
                   generated->tokensPerSecond());

    Outcome outcome;
    outcome.document = {{"text", generated->text},
                        {"ids", generated->ids},
                        {"tokens_per_second", generated->tokensPerSecond()},
                        {"prompt_tokens", generated->promptTokens},
                        {"prompt_seconds", generated->promptSeconds},
                        {"stop", name(generated->stop)},
                        {"mode", modeText(*checkpoint, recipe)}};
    return outcome;
}

} // namespace

void addGenerate(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(
        program, invocation, "generate", "continue a prompt",
        "fairy2 generate resources/demo/stories260K --prompt 'Once upon a time' --max-tokens 100");
    auto arguments = std::make_shared<GenerateArguments>();
    verb->add_option("CHECKPOINT", arguments->checkpoint, "folder, file or org/name")->required();
    verb->add_option("--prompt", arguments->prompt, "text to continue (default: from the start)");
    verb->add_option("--max-tokens", arguments->options.maxTokens, "how many tokens at most")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
    verb->add_option("--temperature", arguments->options.temperature, "0 takes the likeliest token each time")
        ->check(CLI::Range(0.0, 100.0))
        ->capture_default_str();
    verb->add_option("--seed", arguments->options.seed, "of the draws when the temperature is above 0")
        ->capture_default_str();
    verb->add_flag("--ignore-eos", arguments->ignoreEos, "go on after the model's end token");
    verb->add_option("--tokenizer", arguments->tokenizer, "take the tokenizer from here");
    arguments->recipe = RecipeOptions::declare(*verb, RecipeOptions::Precision::Any);
    verb->callback([arguments, &invocation] {
        invocation.run = [arguments, &invocation] {
            return run(*arguments, invocation.json, invocation.task);
        };
    });
}

} // namespace fairy2::cli
