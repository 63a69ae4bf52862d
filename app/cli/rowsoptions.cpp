// SPDX-License-Identifier: Apache-2.0
#include "rowsoptions.h"

#include "eval/textrows.h"

#include <algorithm>
#include <fmt/format.h>

namespace fairy2::cli {
namespace {

constexpr std::int64_t kTextRowLength = 1024;
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;

} // namespace

std::shared_ptr<RowsOptions> RowsOptions::declare(CLI::App& verb) {
    auto options = std::make_shared<RowsOptions>();
    verb.add_option("--tokens", options->m_tokens,
                    "rows of token ids: .safetensors, or .txt with a row a line");
    verb.add_option("--key", options->m_key,
                    "which tensor of a .safetensors file (default: the first matrix)");
    verb.add_option("--text", options->m_text, "a text, cut into rows with the model's tokenizer");
    verb.add_option("--tokenizer", options->m_tokenizer, "take the tokenizer from this folder or file");
    verb.add_option("--max-rows", options->m_maxRows, "use only the first N rows")
        ->check(CLI::NonNegativeNumber);
    return options;
}

base::Result<void> RowsOptions::check() const {
    if (m_tokens.empty() != m_text.empty()) return {};
    return base::fail(base::ErrorCode::Usage,
                      m_tokens.empty() ? "nothing to score: neither --tokens nor --text is given"
                                       : "--tokens and --text exclude each other",
                      {}, "--tokens",
                      "give --tokens FILE (.safetensors or .txt with rows of ids) or --text FILE");
}

base::Result<ScoredRows> RowsOptions::read(const models::Checkpoint& checkpoint) const {
    const auto& spec = checkpoint.spec();
    if (!m_tokens.empty()) {
        FAIRY2_ASSIGN(auto rows, data::TokenRows::open(m_tokens, m_key, spec.vocabSize));
        return ScoredRows{std::move(rows), "rows"};
    }
    const auto source = m_tokenizer.empty() ? checkpoint.path() : base::Path(m_tokenizer);
    FAIRY2_ASSIGN(const auto tokenizer, text::Tokenizer::open(source));
    FAIRY2_ASSIGN(const auto text, base::readFile(m_text, kMaxTextBytes));
    const auto length = std::min(kTextRowLength, spec.maxPositions);
    auto rows = eval::rowsOfText(*tokenizer, text, length);
    if (!rows) {
        rows.error().file = m_text;
        return tl::unexpected(std::move(rows).error());
    }
    return ScoredRows{std::move(*rows), fmt::format("text-{}", length)};
}

} // namespace fairy2::cli
