// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/tokenrows.h"
#include "infer/transformer.h"

namespace fairy2::eval {

/// Mean cross-entropy over token rows, every position but the first of a row scored.
struct Perplexity {
    double natsPerToken = 0;
    double perplexity = 0;    ///< exp(natsPerToken)
    double standardError = 0; ///< of natsPerToken, over rows
    std::int64_t tokensScored = 0;
    std::string preset = "rows"; ///< how text became scored positions; unlike presets are never compared
    std::string engine = "cpu";
    [[nodiscard]] base::Json toJson() const; ///< fields of `fairy2 eval ppl --json`
};

[[nodiscard]] base::Result<Perplexity> perplexity(const infer::Transformer& model,
                                                  const data::TokenRows& rows, std::int64_t maxRows = 0,
                                                  const base::Task& task = {});

} // namespace fairy2::eval
