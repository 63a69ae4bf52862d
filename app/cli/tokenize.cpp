// SPDX-License-Identifier: Apache-2.0
#include "hub/cache.h"
#include "text/tokenizer.h"
#include "verb.h"

#include <fmt/format.h>
#include <memory>

namespace fairy2::cli {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;

struct TokenizeArguments {
    std::string model;
    std::string text;
    std::string file;
    std::vector<std::int32_t> decode;
    bool addSpecial = false;
};

base::Result<std::shared_ptr<const text::Tokenizer>> openTokenizer(const std::string& model) {
    if (!hub::looksLikeRepository(model)) return text::Tokenizer::open(model);
    FAIRY2_ASSIGN(const auto folder, hub::locate(model));
    return text::Tokenizer::open(folder);
}

base::Result<Outcome> run(const TokenizeArguments& arguments, bool textGiven) {
    FAIRY2_ASSIGN(const auto tokenizer, openTokenizer(arguments.model));
    Outcome outcome;
    outcome.document["tokenizer"] = tokenizer->path().string();
    if (!arguments.decode.empty()) {
        FAIRY2_ASSIGN(outcome.text, tokenizer->decode(arguments.decode, !arguments.addSpecial));
        outcome.document["ids"] = arguments.decode;
        outcome.document["text"] = outcome.text;
        return outcome;
    }
    std::string text = arguments.text;
    if (!textGiven) {
        FAIRY2_ASSIGN(text,
                      base::readFile(arguments.file == "-" ? "/dev/stdin" : arguments.file, kMaxTextBytes));
    }
    auto ids = tokenizer->encode(text, arguments.addSpecial);
    if (!ids) {
        ids.error().file = arguments.file;
        return tl::unexpected(std::move(ids).error());
    }
    outcome.document["ids"] = *ids;
    outcome.text = fmt::format("{}\n", fmt::join(*ids, " "));
    return outcome;
}

} // namespace

void addTokenize(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(program, invocation, "tokenize", "text to token ids and back",
                             "fairy2 tokenize resources/demo/stories260K 'Once upon a time'\n"
                             "  fairy2 tokenize resources/demo/stories260K --decode 1 403 407");
    auto arguments = std::make_shared<TokenizeArguments>();
    verb->add_option("MODEL", arguments->model, "folder with a tokenizer, tokenizer.json, or org/name")
        ->required();
    auto* text = verb->add_option("TEXT", arguments->text, "the text itself");
    auto* file =
        verb->add_option("--file", arguments->file, "take the text from a file (- = standard input)");
    auto* decode = verb->add_option("--decode", arguments->decode, "ids to turn into text")->delimiter(',');
    verb->add_flag("--add-special", arguments->addSpecial,
                   "add BOS and EOS as the tokenizer says; with --decode, keep special tokens in the text");
    text->excludes(file)->excludes(decode);
    file->excludes(decode);
    verb->callback([arguments, text, file, decode, &invocation] {
        if (text->count() + file->count() + decode->count() == 0)
            throw CLI::RequiredError("one of TEXT, --file or --decode");
        const bool textGiven = text->count() > 0;
        invocation.run = [arguments, textGiven] { return run(*arguments, textGiven); };
    });
}

} // namespace fairy2::cli
