// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "eval/divergence.h"
#include "eval/perplexity.h"
#include "modeltext.h"
#include "recipeoptions.h"
#include "rowsoptions.h"
#include "table.h"
#include "torchengine.h"
#include "verb.h"

#include <fmt/format.h>
#include <memory>

namespace fairy2::cli {
namespace {

struct EvalArguments {
    std::vector<std::string> checkpoints;
    std::shared_ptr<RecipeOptions> recipe;
    std::shared_ptr<RowsOptions> rows;
    std::string engine = "cpu";
    std::string teacher;
};

using Scorer = std::function<base::Result<base::Json>(
    const std::string& name, const std::optional<quant::ModelRecipe>& recipe, const base::Task& task)>;

// An error that names no file is about the rows.
base::Error aboutRows(base::Error error, const RowsOptions& rows) {
    if (error.file.empty()) error.file = rows.file();
    return error;
}

base::Result<base::Json> scoreHere(const EvalArguments& arguments, const std::string& name,
                                   const std::optional<quant::ModelRecipe>& recipe, const base::Task& task) {
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(name));
    FAIRY2_ASSIGN(const auto scored, arguments.rows->read(*checkpoint));
    FAIRY2_ASSIGN(const auto model, infer::Transformer::load(*checkpoint, recipe, task));
    auto result = eval::perplexity(*model, scored.rows, arguments.rows->maxRows(), task);
    if (!result) return tl::unexpected(aboutRows(std::move(result).error(), *arguments.rows));
    result->preset = scored.preset;
    auto document = result->toJson();
    document["mode"] = modeText(*checkpoint, recipe);
    return document;
}

base::Result<base::Json> scoreInTrainer(const EvalArguments& arguments, const std::string& name,
                                        const std::optional<quant::ModelRecipe>& recipe,
                                        const base::Task& task) {
    if (arguments.rows->tokens().empty())
        return base::fail(base::ErrorCode::Usage, "--engine torch reads token rows only", {}, "--text",
                          "make rows with fairy2 tokenize, or leave the engine out");
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(name));
    FAIRY2_ASSIGN(auto document, evaluateInTrainer({name, arguments.rows->tokens(), arguments.rows->key(),
                                                    arguments.rows->maxRows(), recipe},
                                                   task));
    document["mode"] = modeText(*checkpoint, recipe);
    return document;
}

// One document a checkpoint, in the order given.
base::Result<base::Json> scoreEach(const EvalArguments& arguments, const base::Task& task,
                                   const Scorer& score) {
    FAIRY2_TRY(arguments.rows->check());
    FAIRY2_ASSIGN(const auto recipe, wantedRecipe(*arguments.recipe));
    base::Json rows = base::Json::array();
    for (const auto& name : arguments.checkpoints) {
        const double started = base::steadyTime();
        FAIRY2_ASSIGN(auto row, score(name, recipe, task));
        row["checkpoint"] = name;
        row["seconds"] = base::steadyTime() - started;
        rows.push_back(std::move(row));
    }
    return rows;
}

Outcome outcomeOf(const base::Json& rows, std::string text) {
    Outcome outcome;
    outcome.document = rows.size() == 1 ? rows.front() : base::Json{{"rows", rows}};
    outcome.text = std::move(text);
    return outcome;
}

std::string number(const base::Json& row, const char* key, int digits) {
    const auto found = row.find(key);
    return found != row.end() && found->is_number() ? fmt::format("{:.{}f}", found->get<double>(), digits)
                                                    : std::string("–");
}

std::string count(const base::Json& row, const char* key) {
    return std::to_string(row.at(key).get<std::int64_t>());
}

base::Result<Outcome> runPerplexity(const EvalArguments& arguments, const base::Task& task) {
    const auto score = arguments.engine == "torch" ? scoreInTrainer : scoreHere;
    FAIRY2_ASSIGN(const auto rows,
                  scoreEach(arguments, task, [&](const auto& name, const auto& recipe, const auto& t) {
                      return score(arguments, name, recipe, t);
                  }));
    Table table({"checkpoint", "mode", ">nats/token", ">±", ">perplexity", ">tokens", "preset"});
    for (const auto& row : rows)
        table.add({row["checkpoint"].get<std::string>(), row.value("mode", std::string()),
                   number(row, "nats_per_token", 5), number(row, "standard_error", 5),
                   number(row, "perplexity", 4), count(row, "tokens_scored"),
                   row.value("preset", std::string())});
    return outcomeOf(rows, table.text());
}

base::Result<Outcome> runDivergence(const EvalArguments& arguments, const base::Task& task) {
    FAIRY2_ASSIGN(const auto teacherCheckpoint, models::Checkpoint::open(arguments.teacher));
    FAIRY2_ASSIGN(const auto teacher, infer::Transformer::load(*teacherCheckpoint, {}, task));
    const Scorer score = [&](const std::string& name, const auto& recipe,
                             const base::Task& each) -> base::Result<base::Json> {
        FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(name));
        FAIRY2_ASSIGN(const auto scored, arguments.rows->read(*checkpoint));
        FAIRY2_ASSIGN(const auto student, infer::Transformer::load(*checkpoint, recipe, each));
        auto result = eval::divergence(*teacher, *student, scored.rows, arguments.rows->maxRows(), each);
        if (!result) return tl::unexpected(aboutRows(std::move(result).error(), *arguments.rows));
        auto document = result->toJson();
        document["mode"] = modeText(*checkpoint, recipe);
        document["preset"] = scored.preset;
        document["teacher"] = arguments.teacher;
        return document;
    };
    FAIRY2_ASSIGN(const auto rows, scoreEach(arguments, task, score));
    Table table({"checkpoint", "mode", ">mean KLD", ">±", ">p99", ">max", ">same top token", ">nats/token",
                 ">teacher", ">positions"});
    for (const auto& row : rows)
        table.add({row["checkpoint"].get<std::string>(), row["mode"].get<std::string>(),
                   number(row, "mean", 5), number(row, "standard_error", 5), number(row, "p99", 4),
                   number(row, "max", 4), fmt::format("{:.2f} %", 100 * row["top1_agreement"].get<double>()),
                   number(row, "nats_per_token", 5), number(row, "teacher_nats_per_token", 5),
                   count(row, "positions")});
    return outcomeOf(rows, table.text());
}

std::shared_ptr<EvalArguments> declareArguments(CLI::App& verb) {
    auto arguments = std::make_shared<EvalArguments>();
    verb.add_option("CHECKPOINT", arguments->checkpoints, "folders, files or org/name")->required();
    arguments->recipe = RecipeOptions::declare(verb, RecipeOptions::Precision::Any);
    arguments->rows = RowsOptions::declare(verb);
    return arguments;
}

void addPerplexity(CLI::App& parent, Invocation& invocation) {
    auto* verb = declareVerb(parent, invocation, "ppl",
                             "loss and perplexity of one or more checkpoints over token rows or a text",
                             "fairy2 eval ppl models/smollm2 --mode w2 --tokens val.safetensors --key web");
    const auto arguments = declareArguments(*verb);
    verb->add_option("--engine", arguments->engine, "cpu (this program) or torch (the trainer)")
        ->check(CLI::IsMember({"cpu", "torch"}));
    verb->callback([arguments, &invocation] {
        invocation.run = [arguments, &invocation] { return runPerplexity(*arguments, invocation.task); };
    });
}

void addDivergence(CLI::App& parent, Invocation& invocation) {
    auto* verb =
        declareVerb(parent, invocation, "kld",
                    "how far the predictions of checkpoints are from a teacher's: KL(teacher‖checkpoint)",
                    "fairy2 eval kld runs/a/step-300 --teacher models/smollm2 --tokens val.safetensors");
    const auto arguments = declareArguments(*verb);
    verb->add_option("--teacher", arguments->teacher, "the model to compare with, as it is stored")
        ->required();
    verb->callback([arguments, &invocation] {
        invocation.run = [arguments, &invocation] { return runDivergence(*arguments, invocation.task); };
    });
}

} // namespace

void addEval(CLI::App& program, Invocation& invocation) {
    auto* verb = program.add_subcommand("eval", "quality of checkpoints");
    verb->require_subcommand(1);
    addPerplexity(*verb, invocation);
    addDivergence(*verb, invocation);
}

} // namespace fairy2::cli
