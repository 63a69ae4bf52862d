// SPDX-License-Identifier: Apache-2.0
#include "eval/perplexity.h"

#include "eval/rowloop.h"

#include <cmath>
#include <numeric>

namespace fairy2::eval {

base::Json Perplexity::toJson() const {
    return {{"nats_per_token", natsPerToken},
            {"perplexity", perplexity},
            {"standard_error", std::isfinite(standardError) ? base::Json(standardError) : base::Json()},
            {"tokens_scored", tokensScored},
            {"preset", preset},
            {"engine", engine}};
}

RowMean meanOverRows(const std::vector<double>& sums, const std::vector<std::int64_t>& tokens) {
    RowMean result;
    result.tokens = std::accumulate(tokens.begin(), tokens.end(), std::int64_t{0});
    const auto total = static_cast<double>(result.tokens);
    result.mean = std::accumulate(sums.begin(), sums.end(), 0.0) / total;
    double squares = 0;
    double counted = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const double deviation = sums[i] - result.mean * static_cast<double>(tokens[i]);
        squares += deviation * deviation;
        counted += tokens[i] > 0 ? 1 : 0;
    }
    result.standardError = counted < 2 ? std::nan("") : std::sqrt(squares * counted / (counted - 1)) / total;
    return result;
}

base::Result<Perplexity> perplexity(const infer::Transformer& model, const data::TokenRows& rows,
                                    std::int64_t maxRows, const base::Task& task) {
    const auto count = maxRows > 0 ? std::min(maxRows, rows.rows()) : rows.rows();
    std::vector<double> sums(static_cast<std::size_t>(count));
    std::vector<std::int64_t> tokens(sums.size());
    const auto one = [&](std::int64_t row) -> base::Result<void> {
        FAIRY2_ASSIGN(const auto nll, model.nll(rows.row(row)));
        const auto i = static_cast<std::size_t>(row);
        sums[i] = std::accumulate(nll.begin(), nll.end(), 0.0);
        tokens[i] = static_cast<std::int64_t>(nll.size());
        if (std::isfinite(sums[i])) return {};
        return base::fail(base::ErrorCode::Failed, "the loss is not finite", {}, {},
                          "the model's weights or activations overflow fp32");
    };
    FAIRY2_TRY(forEachRow(count, task, "scoring", one));

    const auto mean = meanOverRows(sums, tokens);
    if (mean.tokens == 0)
        return base::badInput("there is nothing to score: every row has fewer than two tokens");
    Perplexity result;
    result.natsPerToken = mean.mean;
    result.perplexity = std::exp(mean.mean);
    result.standardError = mean.standardError;
    result.tokensScored = mean.tokens;
    return result;
}

} // namespace fairy2::eval
