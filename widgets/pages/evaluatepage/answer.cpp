// SPDX-License-Identifier: Apache-2.0
#include "pages/evaluatepage/answer.h"

#include <algorithm>

namespace fairy2::pages {
namespace {

// A checkpoint of a run may have no tokenizer of its own; that of its base model is the same.
base::Result<std::shared_ptr<const text::Tokenizer>> tokenizerOf(const models::Checkpoint& checkpoint,
                                                                 const itemmodels::Candidate& candidate) {
    auto own = text::Tokenizer::open(checkpoint.path());
    if (own || candidate.baseModel.isEmpty()) return own;
    FAIRY2_ASSIGN(const auto base, models::Checkpoint::open(candidate.baseModel.toStdString()));
    return text::Tokenizer::open(base->path());
}

// Decoded behind the prompt, so that the blank before the first word is counted as it is shown.
base::Result<std::vector<qsizetype>> tokenEnds(const text::Tokenizer& tokenizer, const std::string& prompt,
                                               const std::vector<std::int32_t>& answer) {
    FAIRY2_ASSIGN(auto ids, tokenizer.encode(prompt));
    const auto lengthOf = [&]() -> base::Result<qsizetype> {
        FAIRY2_ASSIGN(const auto text, tokenizer.decode(ids));
        return QString::fromStdString(text).size();
    };
    FAIRY2_ASSIGN(const auto begin, lengthOf());
    std::vector<qsizetype> ends;
    for (const auto id : answer) {
        ids.push_back(id);
        FAIRY2_ASSIGN(const auto end, lengthOf());
        ends.push_back(end - begin);
    }
    return ends;
}

} // namespace

base::Result<Answer> answer(const Speaker& speaker, const std::string& prompt,
                            const infer::GenerateOptions& options, const base::Task& task,
                            const std::function<void(const std::string&)>& onText) {
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(speaker.candidate.path.toStdString()));
    FAIRY2_ASSIGN(const auto tokenizer, tokenizerOf(*checkpoint, speaker.candidate));
    const auto mode = itemmodels::canonicalMode(*checkpoint, speaker.mode);
    FAIRY2_ASSIGN(const auto model, infer::Transformer::load(*checkpoint, mode.recipe(), task));
    FAIRY2_ASSIGN(const auto generation, infer::generate(*model, *tokenizer, prompt, options, task, onText));
    Answer result;
    result.ids = generation.ids;
    result.text = QString::fromStdString(generation.text);
    FAIRY2_ASSIGN(result.ends, tokenEnds(*tokenizer, prompt, generation.ids));
    result.tokensPerSecond = generation.tokensPerSecond();
    return result;
}

std::optional<std::size_t> firstDifference(const Answer& a, const Answer& b) {
    const auto [inA, inB] = std::mismatch(a.ids.begin(), a.ids.end(), b.ids.begin(), b.ids.end());
    if (inA == a.ids.end() || inB == b.ids.end()) return {};
    return static_cast<std::size_t>(inA - a.ids.begin());
}

} // namespace fairy2::pages
