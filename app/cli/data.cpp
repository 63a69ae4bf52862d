// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "data/shards.h"
#include "text/tokenizer.h"
#include "verb.h"

#include <fmt/format.h>

namespace fairy2::cli {
namespace {

struct PrepareArguments {
    std::vector<std::string> sources;
    std::string out;
    std::string tokenizer;
    std::string column;
    std::int32_t separator = -1;
    std::int64_t shardTokens = std::int64_t{1} << 24;
};

base::Result<Outcome> prepare(const PrepareArguments& arguments, const base::Task& task) {
    data::PrepareOptions options;
    options.tokenizer = arguments.tokenizer;
    options.reading.column = arguments.column;
    if (arguments.separator >= 0) options.separator = arguments.separator;
    options.shardTokens = arguments.shardTokens;
    const double started = base::steadyTime();
    FAIRY2_ASSIGN(const auto index, data::prepareShards(arguments.sources, arguments.out, options, task));
    const double seconds = base::steadyTime() - started;
    Outcome outcome;
    outcome.document = index.toJson();
    outcome.document["seconds"] = seconds;
    outcome.text =
        fmt::format("{} documents, {} tokens in {} shards, {} bad records, {:.1f} s ({:.2f} MB/s)\n{}\n",
                    index.documents, index.tokens, index.shards.size(), index.badRecords, seconds,
                    static_cast<double>(index.textBytes) / 1e6 / seconds, arguments.out);
    for (const auto& problem : index.problems)
        outcome.text += "  " + problem + "\n";
    return outcome;
}

struct InspectArguments {
    std::string source;
    std::string column;
    std::string tokenizer;
    std::size_t first = 3;
};

// One line of at most 100 characters, cut between characters.
std::string excerpt(const std::string& text) {
    std::string line;
    for (const char c : text.substr(0, 100))
        line += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80)
        line.pop_back();
    if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xc0) line.pop_back();
    return line;
}

Outcome inspected(std::int64_t documents, std::int64_t bytes, const base::Json& tokens,
                  const std::vector<std::string>& columns, std::int64_t badRecords,
                  const std::vector<std::string>& first, const std::vector<std::string>& problems) {
    Outcome outcome;
    outcome.document = {
        {"documents", documents},    {"bytes", bytes}, {"tokens", tokens},    {"columns", columns},
        {"bad_records", badRecords}, {"first", first}, {"problems", problems}};
    outcome.text =
        fmt::format("documents    {}\ntext         {:.2f} MB, {:.0f} bytes a document\n", documents,
                    static_cast<double>(bytes) / 1e6,
                    documents > 0 ? static_cast<double>(bytes) / static_cast<double>(documents) : 0.0);
    if (tokens.is_number()) outcome.text += fmt::format("tokens       {}\n", tokens.get<std::int64_t>());
    outcome.text += fmt::format("columns      {}\nbad records  {}\n", fmt::join(columns, ", "), badRecords);
    for (const auto& text : first)
        outcome.text += "  | " + excerpt(text) + "\n";
    for (const auto& problem : problems)
        outcome.text += "  " + problem + "\n";
    return outcome;
}

base::Result<Outcome> inspectShards(const InspectArguments& arguments) {
    FAIRY2_ASSIGN(const auto corpus, data::TokenShards::open(arguments.source));
    std::vector<std::string> first;
    if (!arguments.tokenizer.empty()) {
        FAIRY2_ASSIGN(const auto tokenizer, text::Tokenizer::open(arguments.tokenizer));
        for (std::int64_t i = 0; i < std::min(corpus.documents(), static_cast<std::int64_t>(arguments.first));
             ++i) {
            FAIRY2_ASSIGN(auto text, tokenizer->decode(corpus.document(i)));
            first.push_back(std::move(text));
        }
    }
    const auto& index = corpus.index();
    return inspected(index.documents, index.textBytes, index.tokens, index.columns, index.badRecords, first,
                     index.problems);
}

base::Result<Outcome> inspectCorpus(const InspectArguments& arguments, const base::Task& task) {
    FAIRY2_ASSIGN(const auto files, data::findCorpusFiles(arguments.source));
    std::shared_ptr<const text::Tokenizer> tokenizer;
    if (!arguments.tokenizer.empty()) {
        FAIRY2_ASSIGN(tokenizer, text::Tokenizer::open(arguments.tokenizer));
    }
    std::vector<std::string> first;
    std::int64_t tokens = 0;
    base::Result<void> status;
    data::ReadOptions options;
    options.column = arguments.column;
    FAIRY2_ASSIGN(const auto statistics, data::readDocuments(
                                             files, options,
                                             [&](std::string&& text) {
                                                 if (tokenizer) {
                                                     const auto ids = tokenizer->encode(text);
                                                     if (!ids)
                                                         status = tl::unexpected(ids.error());
                                                     else
                                                         tokens += static_cast<std::int64_t>(ids->size());
                                                 }
                                                 if (first.size() < arguments.first)
                                                     first.push_back(std::move(text));
                                                 return status.has_value();
                                             },
                                             task));
    FAIRY2_TRY(status);
    return inspected(statistics.documents, statistics.textBytes,
                     tokenizer ? base::Json(tokens) : base::Json(), statistics.columns, statistics.badRecords,
                     first, statistics.problems);
}

} // namespace

void addData(CLI::App& program, Invocation& invocation) {
    auto* group = program.add_subcommand("data", "corpora: look at them, turn them into token shards");
    group->require_subcommand(1);

    auto* preparing =
        declareVerb(*group, invocation, "prepare", "tokenise a corpus into shards that training maps",
                    "fairy2 data prepare corpus/ shards/ --tokenizer HuggingFaceTB/SmolLM2-135M");
    auto preparation = std::make_shared<PrepareArguments>();
    preparing
        ->add_option("source", preparation->sources, "files, folders or patterns, then the folder to write")
        ->required()
        ->expected(2, 1000);
    preparing->add_option("--tokenizer", preparation->tokenizer, "folder or tokenizer.json")->required();
    preparing->add_option("--column", preparation->column, "text field (default: guessed)");
    preparing->add_option("--separator", preparation->separator,
                          "id after each document (default: end of text)");
    preparing->add_option("--shard-tokens", preparation->shardTokens, "tokens a shard")
        ->check(CLI::PositiveNumber);
    preparing->callback([&invocation, preparation] {
        preparation->out = preparation->sources.back();
        preparation->sources.pop_back();
        invocation.run = [&invocation, preparation] { return prepare(*preparation, invocation.task); };
    });

    auto* inspecting =
        declareVerb(*group, invocation, "inspect", "count the documents of a corpus or of shards",
                    "fairy2 data inspect corpus/ --tokenizer model/");
    auto inspection = std::make_shared<InspectArguments>();
    inspecting->add_option("source", inspection->source, "file, folder, pattern or prepared shards")
        ->required();
    inspecting->add_option("--column", inspection->column, "text field (default: guessed)");
    inspecting->add_option("--tokenizer", inspection->tokenizer,
                           "count tokens with it, decode the first of shards");
    inspecting->add_option("--first", inspection->first, "documents to show")->check(CLI::Range(0, 1000));
    inspecting->callback([&invocation, inspection] {
        invocation.run = [&invocation, inspection] {
            std::error_code error;
            return std::filesystem::exists(base::Path(inspection->source) / "index.json", error)
                       ? inspectShards(*inspection)
                       : inspectCorpus(*inspection, invocation.task);
        };
    });
}

} // namespace fairy2::cli
