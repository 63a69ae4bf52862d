// SPDX-License-Identifier: Apache-2.0
#include "eval/textrows.h"

#include <algorithm>

namespace fairy2::eval {

base::Result<data::TokenRows> rowsOfText(const text::Tokenizer& tokenizer, std::string_view text,
                                         std::int64_t length) {
    if (length < 2)
        return base::fail(base::ErrorCode::Usage,
                          "a row must have two tokens at least, or nothing is scored");
    FAIRY2_ASSIGN(const auto ids, tokenizer.encode(text));
    std::vector<std::vector<std::int32_t>> rows;
    for (auto first = ids.begin(); ids.end() - first > 1;) {
        const auto last = first + std::min<std::ptrdiff_t>(length, ids.end() - first);
        rows.emplace_back(first, last);
        first = last;
    }
    if (rows.empty()) return base::badInput("the text has fewer than two tokens: there is nothing to score");
    return data::TokenRows::fromRows(rows);
}

} // namespace fairy2::eval
