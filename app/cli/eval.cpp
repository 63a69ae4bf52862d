// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/paths.h"
#include "base/process.h"
#include "eval/perplexity.h"
#include "eval/textrows.h"
#include "modeltext.h"
#include "recipeoptions.h"
#include "table.h"
#include "verb.h"

#include <fmt/format.h>
#include <memory>

namespace fairy2::cli {
namespace {

constexpr std::int64_t kTextRowLength = 1024;
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;

struct PerplexityArguments {
    std::vector<std::string> checkpoints;
    std::shared_ptr<RecipeOptions> recipe;
    std::string tokens;
    std::string key;
    std::string text;
    std::string tokenizer;
    std::int64_t maxRows = 0;
    std::string engine = "cpu";
};

base::Result<void> checkSource(const PerplexityArguments& arguments) {
    if (arguments.tokens.empty() == arguments.text.empty())
        return base::fail(base::ErrorCode::Usage,
                          arguments.tokens.empty() ? "nothing to score: neither --tokens nor --text is given"
                                                   : "--tokens and --text exclude each other",
                          {}, "--tokens",
                          "give --tokens FILE (.safetensors or .txt with rows of ids) or --text FILE");
    if (arguments.engine == "torch" && !arguments.text.empty())
        return base::fail(base::ErrorCode::Usage, "--engine torch reads token rows only", {}, "--text",
                          "make rows with fairy2 tokenize, or leave the engine out");
    return {};
}

struct Scored {
    data::TokenRows rows;
    std::string preset;
};

base::Result<Scored> rowsFor(const PerplexityArguments& arguments, const models::Checkpoint& checkpoint) {
    const auto& spec = checkpoint.spec();
    if (!arguments.tokens.empty()) {
        FAIRY2_ASSIGN(auto rows, data::TokenRows::open(arguments.tokens, arguments.key, spec.vocabSize));
        return Scored{std::move(rows), "rows"};
    }
    const auto source = arguments.tokenizer.empty() ? checkpoint.path() : base::Path(arguments.tokenizer);
    FAIRY2_ASSIGN(const auto tokenizer, text::Tokenizer::open(source));
    FAIRY2_ASSIGN(const auto text, base::readFile(arguments.text, kMaxTextBytes));
    const auto length = std::min(kTextRowLength, spec.maxPositions);
    auto rows = eval::rowsOfText(*tokenizer, text, length);
    if (!rows) {
        rows.error().file = arguments.text;
        return tl::unexpected(std::move(rows).error());
    }
    return Scored{std::move(*rows), fmt::format("text-{}", length)};
}

base::Result<base::Json> scoreHere(const PerplexityArguments& arguments, const std::string& name,
                                   const std::optional<quant::ModelRecipe>& recipe, const base::Task& task) {
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(name));
    FAIRY2_ASSIGN(const auto scored, rowsFor(arguments, *checkpoint));
    FAIRY2_ASSIGN(const auto model, infer::Transformer::load(*checkpoint, recipe, task));
    auto result = eval::perplexity(*model, scored.rows, arguments.maxRows, task);
    if (!result) {
        if (result.error().file.empty())
            result.error().file = arguments.tokens.empty() ? arguments.text : arguments.tokens;
        return tl::unexpected(std::move(result).error());
    }
    result->preset = scored.preset;
    auto document = result->toJson();
    document["mode"] = modeText(*checkpoint, recipe);
    return document;
}

std::vector<std::string> argumentsOf(const quant::ModelRecipe& recipe) {
    std::vector<std::string> arguments = {"--stages", std::to_string(recipe.defaults.stages), "--scale",
                                          name(recipe.defaults.scale)};
    if (recipe.quantizeLmHead) arguments.emplace_back("--lm-head");
    if (!recipe.rules.empty()) {
        arguments.emplace_back("--layers");
        arguments.push_back(recipe.toJson()["layers"].dump());
    }
    return arguments;
}

// The trainer prints the same document; a failure of it is passed on as it is.
base::Result<base::Json> scoreInTrainer(const PerplexityArguments& arguments, const std::string& name,
                                        const std::optional<quant::ModelRecipe>& recipe,
                                        const base::Task& task) {
    FAIRY2_ASSIGN(const auto program, base::findProgram("fairy2-trainer"));
    std::vector<std::string> argv = {program.string(), "eval", name, "--tokens", arguments.tokens, "--json"};
    const auto add = [&argv](const std::vector<std::string>& more) {
        argv.insert(argv.end(), more.begin(), more.end());
    };
    if (!arguments.key.empty()) add({"--key", arguments.key});
    if (arguments.maxRows > 0) add({"--max-rows", std::to_string(arguments.maxRows)});
    if (recipe) add(argumentsOf(*recipe));
    base::ProcessOptions options;
    options.cancel = task.cancel;
    FAIRY2_ASSIGN(const auto child, base::runProcess(argv, options));
    auto document = base::parseJson(child.output, program.string());
    if (document && document->contains("error")) {
        const auto& error = (*document)["error"];
        const auto text = [&error](const char* key) { return error.value(key, std::string()); };
        return base::fail(child.exitCode == 3 ? base::ErrorCode::BadInput : base::ErrorCode::Failed,
                          text("message"), text("file"), text("field"), text("hint"));
    }
    if (!child.succeeded() || !document)
        return base::fail(base::ErrorCode::Failed,
                          child.signal != 0
                              ? fmt::format("the trainer was ended by signal {}", child.signal)
                              : fmt::format("the trainer ended with exit code {}", child.exitCode),
                          program.string(), {}, child.errors);
    return document;
}

std::string tableOf(const base::Json& rows) {
    Table table({"checkpoint", "mode", ">nats/token", ">±", ">perplexity", ">tokens", "preset"});
    for (const auto& row : rows) {
        const auto& error = row["standard_error"];
        table.add({row["checkpoint"].get<std::string>(), row.value("mode", std::string()),
                   fmt::format("{:.5f}", row["nats_per_token"].get<double>()),
                   error.is_number() ? fmt::format("{:.5f}", error.get<double>()) : std::string("–"),
                   fmt::format("{:.4f}", row["perplexity"].get<double>()),
                   std::to_string(row["tokens_scored"].get<std::int64_t>()),
                   row["preset"].get<std::string>()});
    }
    return table.text();
}

base::Result<Outcome> runPerplexity(const PerplexityArguments& arguments, const base::Task& task) {
    FAIRY2_TRY(checkSource(arguments));
    FAIRY2_ASSIGN(const auto recipe, wantedRecipe(*arguments.recipe));
    base::Json rows = base::Json::array();
    for (const auto& name : arguments.checkpoints) {
        const double started = base::steadyTime();
        FAIRY2_ASSIGN(auto row, arguments.engine == "torch" ? scoreInTrainer(arguments, name, recipe, task)
                                                            : scoreHere(arguments, name, recipe, task));
        row["checkpoint"] = name;
        row["seconds"] = base::steadyTime() - started;
        rows.push_back(std::move(row));
    }
    Outcome outcome;
    outcome.text = tableOf(rows);
    outcome.document = rows.size() == 1 ? rows.front() : base::Json{{"rows", rows}};
    return outcome;
}

void addPerplexity(CLI::App& parent, Invocation& invocation) {
    auto* verb = declareVerb(parent, invocation, "ppl",
                             "loss and perplexity of one or more checkpoints over token rows or a text",
                             "fairy2 eval ppl models/smollm2 --mode w2 --tokens val.safetensors --key web");
    auto arguments = std::make_shared<PerplexityArguments>();
    verb->add_option("CHECKPOINT", arguments->checkpoints, "folders, files or org/name")->required();
    arguments->recipe = RecipeOptions::declare(*verb, RecipeOptions::Precision::Any);
    verb->add_option("--tokens", arguments->tokens,
                     "rows of token ids: .safetensors, or .txt with a row a line");
    verb->add_option("--key", arguments->key,
                     "which tensor of a .safetensors file (default: the first matrix)");
    verb->add_option("--text", arguments->text, "a text, cut into rows with the model's tokenizer");
    verb->add_option("--tokenizer", arguments->tokenizer, "take the tokenizer from here");
    verb->add_option("--max-rows", arguments->maxRows, "score only the first N rows")
        ->check(CLI::NonNegativeNumber);
    verb->add_option("--engine", arguments->engine, "cpu (this program) or torch (the trainer)")
        ->check(CLI::IsMember({"cpu", "torch"}));
    verb->callback([arguments, &invocation] {
        invocation.run = [arguments, &invocation] { return runPerplexity(*arguments, invocation.task); };
    });
}

} // namespace

void addEval(CLI::App& program, Invocation& invocation) {
    auto* verb = program.add_subcommand("eval", "quality of checkpoints");
    verb->require_subcommand(1);
    addPerplexity(*verb, invocation);
}

} // namespace fairy2::cli
