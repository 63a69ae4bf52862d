// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/tokenrows.h"
#include "infer/transformer.h"

namespace fairy2::eval {

/// Mean cross-entropy over token rows, every position but the first of a row scored.
struct Perplexity {
    double natsPerToken = 0;
    double perplexity = 0;    ///< exp(natsPerToken)
    double standardError = 0; ///< of natsPerToken, over rows; NaN (null in JSON) when fewer than two count
    std::int64_t tokensScored = 0;
    std::string preset = "rows"; ///< how text became scored positions; unlike presets are never compared
    std::string engine = "cpu";
    [[nodiscard]] base::Json toJson() const; ///< fields of `fairy2 eval ppl --json`
};

/// Scores the first maxRows rows (0 = all), several at a time. Errors: nothing to score, a row longer than
/// the model's context, ids outside its vocabulary, a loss that is not finite; the message names the row.
[[nodiscard]] base::Result<Perplexity> perplexity(const infer::Transformer& model,
                                                  const data::TokenRows& rows, std::int64_t maxRows = 0,
                                                  const base::Task& task = {});

/// Mean and standard error of row sums, weighted by the tokens of each row (ratio estimator).
struct RowMean {
    double mean = 0;
    double standardError = 0; ///< NaN when fewer than two rows have tokens
    std::int64_t tokens = 0;
};
[[nodiscard]] RowMean meanOverRows(const std::vector<double>& sums, const std::vector<std::int64_t>& tokens);

} // namespace fairy2::eval
