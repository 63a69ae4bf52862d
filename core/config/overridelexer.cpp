// SPDX-License-Identifier: Apache-2.0
#include "config/overridelexer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace fairy2::config {
namespace {

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}
bool isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool isSpace(char c) {
    return c == ' ' || c == '\t';
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Each length… function answers how many characters its token would take from the start of the text, 0 if
// none.

std::size_t lengthSpaces(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && isSpace(text[n]))
        ++n;
    return n;
}

// DIGIT (('_')? DIGIT)*
std::size_t lengthDigits(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size()) {
        if (isDigit(text[n]))
            ++n;
        else if (n > 0 && text[n] == '_' && n + 1 < text.size() && isDigit(text[n + 1]))
            n += 2;
        else
            break;
    }
    return n;
}

std::size_t lengthUnsigned(std::string_view text) {
    if (!text.empty() && text[0] == '0') return 1;
    return lengthDigits(text);
}

std::size_t lengthSign(std::string_view text) {
    return !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
}

std::size_t lengthInt(std::string_view text) {
    const auto sign = lengthSign(text);
    const auto digits = lengthUnsigned(text.substr(sign));
    return digits == 0 ? 0 : sign + digits;
}

std::size_t lengthWord(std::string_view text, std::string_view word) {
    if (text.size() < word.size()) return 0;
    for (std::size_t i = 0; i < word.size(); ++i)
        if (lower(text[i]) != word[i]) return 0;
    return word.size();
}

std::size_t lengthExponent(std::string_view text) {
    if (text.empty() || lower(text[0]) != 'e') return 0;
    const auto sign = lengthSign(text.substr(1));
    const auto digits = lengthDigits(text.substr(1 + sign));
    return digits == 0 ? 0 : 1 + sign + digits;
}

std::size_t lengthFloat(std::string_view text) {
    const auto sign = lengthSign(text);
    const auto body = text.substr(sign);
    std::size_t best = std::max(lengthWord(body, "inf"), lengthWord(body, "nan"));
    const auto whole = lengthUnsigned(body);
    if (whole > 0)
        if (const auto exponent = lengthExponent(body.substr(whole)); exponent > 0)
            best = std::max(best, whole + exponent);
    if (whole < body.size() && body[whole] == '.') {
        const auto fraction = lengthDigits(body.substr(whole + 1));
        if (whole > 0 || fraction > 0) {
            const auto point = whole + 1 + fraction;
            best = std::max(best, point + lengthExponent(body.substr(point)));
            // "1.e5": the exponent may follow the bare point.
            if (whole > 0) best = std::max(best, whole + 1 + lengthExponent(body.substr(whole + 1)));
        }
    }
    return best == 0 ? 0 : sign + best;
}

std::size_t lengthId(std::string_view text, std::string_view more) {
    if (text.empty() || !(isLetter(text[0]) || text[0] == '_' ||
                          (more.find('$') != std::string_view::npos && text[0] == '$')))
        return 0;
    std::size_t n = 1;
    while (n < text.size() && (isLetter(text[n]) || isDigit(text[n]) || text[n] == '_' ||
                               more.find(text[n]) != std::string_view::npos))
        ++n;
    return n;
}

std::size_t lengthDotPath(std::string_view text) {
    const auto part = [text](std::size_t at) {
        const auto rest = text.substr(at);
        return std::max(lengthId(rest, "-$"), lengthUnsigned(rest));
    };
    std::size_t n = part(0);
    std::size_t parts = n > 0 ? 1 : 0;
    while (n > 0 && n < text.size() && text[n] == '.') {
        const auto next = part(n + 1);
        if (next == 0) break;
        n += 1 + next;
        ++parts;
    }
    return parts > 1 ? n : 0;
}

// One bracket-like character with the spaces that belong to it.
std::size_t lengthMark(std::string_view text, char mark, bool before, bool after) {
    const auto lead = before ? lengthSpaces(text) : 0;
    if (lead >= text.size() || text[lead] != mark) return 0;
    return lead + 1 + (after ? lengthSpaces(text.substr(lead + 1)) : 0);
}

std::size_t lengthEscapes(std::string_view text) {
    std::size_t n = 0;
    while (n + 1 < text.size() && text[n] == '\\' &&
           std::string_view("\\()[]{}:=, \t").find(text[n + 1]) != std::string_view::npos)
        n += 2;
    return n;
}

// Ends at the first quote with an even number of backslashes before it.
std::size_t lengthQuoted(std::string_view text) {
    if (text.empty() || (text[0] != '"' && text[0] != '\'')) return 0;
    std::size_t slashes = 0;
    for (std::size_t n = 1; n < text.size(); ++n) {
        if (text[n] == text[0] && slashes % 2 == 0) return n + 1;
        slashes = text[n] == '\\' ? slashes + 1 : 0;
    }
    return 0;
}

std::size_t lengthInterpolation(std::string_view text) {
    if (text.substr(0, 2) != "${") return 0;
    const auto close = text.find('}');
    return close == std::string_view::npos || close == 2 ? 0 : close + 1;
}

struct Candidate {
    TokenType type;
    std::size_t length;
};

// The longest token wins; among equals the one that stands first in the grammar.
template <std::size_t N>
Candidate longest(const std::array<Candidate, N>& candidates) {
    return *std::max_element(candidates.begin(), candidates.end(),
                             [](const Candidate& a, const Candidate& b) { return a.length < b.length; });
}

Candidate keyToken(std::string_view text) {
    const auto one = [text](char c) { return std::size_t{text[0] == c}; };
    return longest(std::array<Candidate, 9>{{{TokenType::Equal, lengthMark(text, '=', false, true)},
                                             {TokenType::Tilde, one('~')},
                                             {TokenType::Plus, one('+')},
                                             {TokenType::At, one('@')},
                                             {TokenType::Colon, one(':')},
                                             {TokenType::Slash, one('/')},
                                             {TokenType::Id, lengthId(text, "-")},
                                             {TokenType::KeySpecial, lengthId(text, "-$")},
                                             {TokenType::DotPath, lengthDotPath(text)}}});
}

Candidate valueToken(std::string_view text) {
    const bool unquoted = std::string_view("/-\\+.$%*@?|").find(text[0]) != std::string_view::npos;
    return longest(std::array<Candidate, 19>{
        {{TokenType::ParenOpen, lengthMark(text, '(', true, true)},
         {TokenType::Comma, lengthMark(text, ',', true, true)},
         {TokenType::ParenClose, lengthMark(text, ')', true, false)},
         {TokenType::BracketOpen, lengthMark(text, '[', false, true)},
         {TokenType::BracketClose, lengthMark(text, ']', true, false)},
         {TokenType::BraceOpen, lengthMark(text, '{', false, true)},
         {TokenType::BraceClose, lengthMark(text, '}', true, false)},
         {TokenType::Colon, lengthMark(text, ':', true, true)},
         {TokenType::Equal, lengthMark(text, '=', true, true)},
         {TokenType::Float, lengthFloat(text)},
         {TokenType::Int, lengthInt(text)},
         {TokenType::Bool, std::max(lengthWord(text, "true"), lengthWord(text, "false"))},
         {TokenType::Null, lengthWord(text, "null")},
         {TokenType::UnquotedChar, std::size_t{unquoted}},
         {TokenType::Id, lengthId(text, "-")},
         {TokenType::Escape, lengthEscapes(text)},
         {TokenType::Space, lengthSpaces(text)},
         {TokenType::Quoted, lengthQuoted(text)},
         {TokenType::Interpolation, lengthInterpolation(text)}}});
}

} // namespace

Token firstValueToken(std::string_view text) {
    if (text.empty()) return {};
    const auto found = valueToken(text);
    return {found.type, text.substr(0, found.length), 0};
}

base::Result<std::vector<Token>> tokenizeOverride(std::string_view text) {
    std::vector<Token> tokens;
    bool inValue = false;
    for (std::size_t at = 0; at < text.size();) {
        const auto rest = text.substr(at);
        const auto found = inValue ? valueToken(rest) : keyToken(rest);
        if (found.length == 0) {
            const bool quote = rest[0] == '"' || rest[0] == '\'';
            return base::fail(base::ErrorCode::Usage,
                              fmt::format("the override '{}' cannot be read at column {}: {}", text, at + 1,
                                          quote ? "the quotation is not closed"
                                                : fmt::format("unexpected '{}'", rest.substr(0, 1))),
                              {}, {}, inValue ? "put quotes around values with special characters" : "");
        }
        tokens.push_back({found.type, rest.substr(0, found.length), at});
        inValue = inValue || found.type == TokenType::Equal;
        at += found.length;
    }
    tokens.push_back({TokenType::End, {}, text.size()});
    return tokens;
}

} // namespace fairy2::config
