// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace fairy2::config {

/// Tokens of hydra/grammar/OverrideLexer.g4.
enum class TokenType {
    Equal,
    Tilde,
    Plus,
    At,
    Colon,
    Slash,
    Id,
    KeySpecial,
    DotPath,
    ParenOpen,
    Comma,
    ParenClose,
    BracketOpen,
    BracketClose,
    BraceOpen,
    BraceClose,
    Float,
    Int,
    Bool,
    Null,
    UnquotedChar,
    Escape,
    Space,
    Quoted,
    Interpolation,
    End
};

struct Token {
    TokenType type = TokenType::End;
    std::string_view text;
    std::size_t at = 0; ///< column in the override, from 0
};

/// The value token that the text starts with; its length is 0 when there is none.
[[nodiscard]] Token firstValueToken(std::string_view text);

/// Splits an override: key tokens up to the first '=', value tokens behind it. The tokens look into `text`.
[[nodiscard]] base::Result<std::vector<Token>> tokenizeOverride(std::string_view text);

} // namespace fairy2::config
