// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/tokenrows.h"
#include "infer/transformer.h"

namespace fairy2::eval {

/// How far a student's next-token distribution is from its teacher's, over the scored positions of token rows
/// (every position of a row but the last).
struct Divergence {
    double mean = 0; ///< KL(teacher‖student) in nats per position
    double p99 = 0;  ///< 99 of 100 positions are at most this (nearest rank)
    double max = 0;
    double standardError = 0; ///< of the mean, over rows; NaN (null in JSON) when fewer than two count
    double top1Agreement = 0; ///< share of positions where both find the same token likeliest
    double teacherLoss = 0;   ///< nats per token on the same positions
    double studentLoss = 0;
    std::int64_t positions = 0;
    [[nodiscard]] base::Json toJson() const; ///< fields of `fairy2 eval kld --json`
};

/// Both models see the first maxRows rows (0 = all), several rows at a time; no logits of a whole row are
/// held. Errors: vocabularies of different size, nothing to score, rows that either model refuses, numbers
/// that are not finite; the message names the row.
[[nodiscard]] base::Result<Divergence> divergence(const infer::Transformer& teacher,
                                                  const infer::Transformer& student,
                                                  const data::TokenRows& rows, std::int64_t maxRows = 0,
                                                  const base::Task& task = {});

} // namespace fairy2::eval
