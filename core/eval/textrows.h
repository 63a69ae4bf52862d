// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data/tokenrows.h"
#include "text/tokenizer.h"

#include <string_view>

namespace fairy2::eval {

/// A text as rows of `length` token ids that do not overlap (the last may be shorter), without special
/// tokens: the preset "text-LENGTH". Every row loses its first token to the scoring, so unlike lengths do not
/// compare.
[[nodiscard]] base::Result<data::TokenRows> rowsOfText(const text::Tokenizer& tokenizer,
                                                       std::string_view text, std::int64_t length);

} // namespace fairy2::eval
