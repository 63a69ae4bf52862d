// SPDX-License-Identifier: Apache-2.0
#include "config/override.h"

#include "config/overridefunctions.h"
#include "config/overridelexer.h"

#include <charconv>
#include <fmt/format.h>

namespace fairy2::config {
namespace {

constexpr int kMaxDepth = 64;

std::string unescaped(std::string_view escapes) {
    std::string text;
    for (std::size_t i = 1; i < escapes.size(); i += 2)
        text += escapes[i];
    return text;
}

// Inside quotes only backslashes that stand before a quote (also the closing one) are escapes.
std::string unquoted(std::string_view token) {
    const char quote = token[0];
    std::string text;
    std::size_t slashes = 0;
    for (std::size_t i = 1; i < token.size(); ++i) {
        if (token[i] == '\\') {
            ++slashes;
            continue;
        }
        text.append(token[i] == quote ? slashes / 2 : slashes, '\\');
        slashes = 0;
        if (i + 1 < token.size()) text += token[i];
    }
    return text;
}

class Parser {
public:
    Parser(const std::string& text, std::vector<Token> tokens) : m_text(text), m_tokens(std::move(tokens)) {}

    base::Result<Override> parse() {
        Override result;
        result.text = m_text;
        if (take(TokenType::Tilde))
            result.type = Override::Type::Delete;
        else if (take(TokenType::Plus))
            result.type = take(TokenType::Plus) ? Override::Type::ForceAdd : Override::Type::Add;
        FAIRY2_TRY(parseKey(result));
        const bool hasValue = take(TokenType::Equal);
        if (!hasValue && result.type != Override::Type::Delete)
            return error("a '=' was expected", "write key=value, or ~key to remove a key");
        if (hasValue) FAIRY2_TRY(parseValue(result));
        if (peek().type != TokenType::End) return error(fmt::format("unexpected '{}'", peek().text));
        return result;
    }

private:
    [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
        return m_tokens[std::min(m_at + ahead, m_tokens.size() - 1)];
    }
    const Token& next() {
        const Token& token = peek();
        if (m_at + 1 < m_tokens.size()) ++m_at;
        return token;
    }
    bool take(TokenType type) {
        if (peek().type != type) return false;
        next();
        return true;
    }
    [[nodiscard]] tl::unexpected<base::Error> error(const std::string& what,
                                                    const std::string& hint = {}) const {
        return base::fail(
            base::ErrorCode::Usage,
            fmt::format("the override '{}' cannot be read at column {}: {}", m_text, peek().at + 1, what), {},
            {}, hint);
    }

    static bool isPackage(TokenType type) {
        return type == TokenType::Id || type == TokenType::KeySpecial || type == TokenType::DotPath;
    }

    base::Result<void> parseKey(Override& result) {
        if (!isPackage(peek().type)) return error("a key was expected");
        const bool mayBeGroup = peek().type == TokenType::Id;
        result.key = next().text;
        while (mayBeGroup && peek().type == TokenType::Slash && peek(1).type == TokenType::Id) {
            next();
            result.key += "/" + std::string(next().text);
        }
        if (take(TokenType::At))
            result.package = isPackage(peek().type) ? std::string(next().text) : std::string();
        return {};
    }

    base::Result<void> parseValue(Override& result) {
        if (peek().type == TokenType::End) {
            result.value = Element{Element::Kind::Scalar, "", 0, {}, {}};
            return {};
        }
        FAIRY2_ASSIGN(auto first, parseElement(0));
        if (peek().type != TokenType::Comma) {
            if (auto* element = std::get_if<Element>(&first))
                result.value = std::move(*element);
            else
                result.value = std::move(std::get<Sweep>(first));
            return {};
        }
        Sweep sweep;
        sweep.simple = true;
        FAIRY2_TRY(append(sweep.choices, std::move(first)));
        while (take(TokenType::Comma)) {
            FAIRY2_ASSIGN(auto element, parseElement(0));
            FAIRY2_TRY(append(sweep.choices, std::move(element)));
        }
        result.value = std::move(sweep);
        return {};
    }

    base::Result<void> append(std::vector<Element>& into, Argument argument) {
        if (auto* element = std::get_if<Element>(&argument)) {
            into.push_back(std::move(*element));
            return {};
        }
        return error("a sweep cannot stand inside a list or another sweep");
    }

    base::Result<Argument> parseElement(int depth) {
        if (depth > kMaxDepth) return error(fmt::format("nested deeper than {} levels", kMaxDepth));
        switch (peek().type) {
        case TokenType::BracketOpen:
            return parseList(depth);
        case TokenType::BraceOpen:
            return parseMap(depth);
        case TokenType::Quoted: {
            const Token& token = next();
            return Argument(Element{Element::Kind::Quoted, unquoted(token.text), token.text[0], {}, {}});
        }
        case TokenType::Id:
            if (peek(1).type == TokenType::ParenOpen) return parseFunction(depth);
            break;
        default:
            break;
        }
        FAIRY2_ASSIGN(auto primitive, parsePrimitive(true));
        return Argument(std::move(primitive));
    }

    base::Result<Argument> parseList(int depth) {
        next();
        Element list;
        list.kind = Element::Kind::List;
        if (take(TokenType::BracketClose)) return Argument(std::move(list));
        do {
            FAIRY2_ASSIGN(auto item, parseElement(depth + 1));
            FAIRY2_TRY(append(list.items, std::move(item)));
        } while (take(TokenType::Comma));
        if (!take(TokenType::BracketClose)) return error("']' was expected");
        return Argument(std::move(list));
    }

    base::Result<Argument> parseMap(int depth) {
        next();
        Element map;
        map.kind = Element::Kind::Map;
        if (take(TokenType::BraceClose)) return Argument(std::move(map));
        do {
            FAIRY2_ASSIGN(auto key, parsePrimitive(false));
            if (!take(TokenType::Colon)) return error("':' was expected");
            FAIRY2_ASSIGN(auto value, parseElement(depth + 1));
            std::vector<Element> one;
            FAIRY2_TRY(append(one, std::move(value)));
            std::erase_if(map.entries, [&](const auto& entry) { return entry.first.scalar == key.scalar; });
            map.entries.emplace_back(std::move(key), std::move(one.front()));
        } while (take(TokenType::Comma));
        if (!take(TokenType::BraceClose)) return error("'}' was expected");
        return Argument(std::move(map));
    }

    base::Result<Argument> parseFunction(int depth) {
        FunctionCall call;
        call.name = next().text;
        next();
        if (!take(TokenType::ParenClose)) {
            do {
                std::string name;
                if (peek().type == TokenType::Id && peek(1).type == TokenType::Equal) {
                    name = next().text;
                    next();
                } else if (!call.named.empty()) {
                    return error("a positional argument stands behind a named one");
                }
                FAIRY2_ASSIGN(auto argument, parseElement(depth + 1));
                if (name.empty())
                    call.positional.push_back(std::move(argument));
                else if (!call.named.emplace(name, std::move(argument)).second)
                    return error(fmt::format("the argument '{}' is given twice", name));
            } while (take(TokenType::Comma));
            if (!take(TokenType::ParenClose)) return error("')' was expected");
        }
        auto result = callFunction(call);
        if (!result) return error(result.error().message);
        return result;
    }

    static bool isPrimitivePart(TokenType type, bool isValue) {
        switch (type) {
        case TokenType::Id:
        case TokenType::Null:
        case TokenType::Int:
        case TokenType::Float:
        case TokenType::Bool:
        case TokenType::UnquotedChar:
        case TokenType::Escape:
        case TokenType::Space:
            return true;
        case TokenType::Interpolation:
        case TokenType::Colon:
            return isValue;
        default:
            return false;
        }
    }

    // One token keeps its type; several in a row are one text.
    base::Result<Element> parsePrimitive(bool isValue) {
        const auto start = m_at;
        while (isPrimitivePart(peek().type, isValue))
            next();
        auto end = m_at;
        auto first = start;
        if (first == end)
            return error(peek().type == TokenType::End ? "a value was expected"
                                                       : fmt::format("unexpected '{}'", peek().text));
        if (m_tokens[first].type == TokenType::Space) ++first;
        if (end > first && m_tokens[end - 1].type == TokenType::Space) --end;
        if (first == end) return error("a value of spaces only needs quotes");
        Element element;
        if (end - first == 1) {
            FAIRY2_ASSIGN(element.scalar, single(m_tokens[first]));
            return element;
        }
        std::string text;
        for (auto i = first; i < end; ++i)
            text += m_tokens[i].type == TokenType::Escape ? unescaped(m_tokens[i].text)
                                                          : std::string(m_tokens[i].text);
        element.scalar = text;
        return element;
    }

    base::Result<base::Json> single(const Token& token) {
        std::string text(token.text);
        switch (token.type) {
        case TokenType::Null:
            return base::Json();
        case TokenType::Bool:
            return base::Json(text[0] == 't' || text[0] == 'T');
        case TokenType::Escape:
            return base::Json(unescaped(text));
        case TokenType::Int:
        case TokenType::Float: {
            auto number = pythonNumber(text, token.type == TokenType::Float);
            if (!number) return error(number.error().message);
            return number;
        }
        default:
            return base::Json(text);
        }
    }

    const std::string& m_text;
    std::vector<Token> m_tokens;
    std::size_t m_at = 0;
};

std::string escapedText(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (std::string_view("\\()[]{}:=, \t").find(c) != std::string_view::npos) result += '\\';
        result += c;
    }
    return result;
}

// Doubles the backslashes before a quote (and at the end), escapes the quotes.
std::string quotedText(const std::string& text, char quote) {
    std::string result(1, quote);
    std::size_t slashes = 0;
    for (const char c : text) {
        if (c == quote) result.append(slashes + 1, '\\');
        slashes = c == '\\' ? slashes + 1 : 0;
        result += c;
    }
    result.append(slashes, '\\');
    return result + quote;
}

} // namespace

Node Element::toNode() const {
    Node node;
    node.source = "override";
    switch (kind) {
    case Kind::Scalar:
    case Kind::Quoted:
        node.scalar = scalar;
        break;
    case Kind::List:
        node.kind = Node::Kind::List;
        for (const auto& item : items)
            node.items.push_back(item.toNode());
        break;
    case Kind::Map:
        node.kind = Node::Kind::Map;
        for (const auto& [key, value] : entries)
            node.entries.push_back({keyText(key.scalar), value.toNode()});
        break;
    }
    return node;
}

std::string Element::toText() const {
    std::string text;
    switch (kind) {
    case Kind::Scalar:
        if (scalar.is_string()) return escapedText(scalar.get<std::string>());
        return scalar.is_null() ? "null" : pythonText(scalar);
    case Kind::Quoted:
        return quotedText(scalar.get<std::string>(), quote);
    case Kind::List:
        for (const auto& item : items)
            text += (text.empty() ? "" : ",") + item.toText();
        return "[" + text + "]";
    case Kind::Map:
        for (const auto& [key, value] : entries)
            text += (text.empty() ? "" : ",") + key.toText() + ":" + value.toText();
        return "{" + text + "}";
    }
    return text;
}

std::string Override::keyWithPackage() const {
    return package ? key + "@" + *package : key;
}

base::Result<Override> parseOverride(const std::string& text) {
    FAIRY2_ASSIGN(auto tokens, tokenizeOverride(text));
    return Parser(text, std::move(tokens)).parse();
}

} // namespace fairy2::config
