// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/tokenrows.h"
#include "models/checkpoint.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace fairy2::cli {

/// Rows of token ids, and the way they were made.
struct ScoredRows {
    data::TokenRows rows;
    std::string preset; ///< "rows", or "text-1024" for a text cut into rows of 1024 tokens
};

/// --tokens, --key, --text, --tokenizer and --max-rows of the verbs that measure a model.
class RowsOptions {
public:
    /// Declares them on a verb; the object lives as long as the verb.
    [[nodiscard]] static std::shared_ptr<RowsOptions> declare(CLI::App& verb);

    /// Usage error unless exactly one source is given.
    [[nodiscard]] base::Result<void> check() const;
    /// The rows, checked against the model's vocabulary; a text goes through its tokenizer.
    [[nodiscard]] base::Result<ScoredRows> read(const models::Checkpoint& checkpoint) const;

    [[nodiscard]] const std::string& tokens() const { return m_tokens; }
    [[nodiscard]] const std::string& key() const { return m_key; }
    [[nodiscard]] std::int64_t maxRows() const { return m_maxRows; }
    [[nodiscard]] const std::string& file() const { return m_tokens.empty() ? m_text : m_tokens; }

private:
    std::string m_tokens;
    std::string m_key;
    std::string m_text;
    std::string m_tokenizer;
    std::int64_t m_maxRows = 0;
};

} // namespace fairy2::cli
