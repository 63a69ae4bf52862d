// SPDX-License-Identifier: Apache-2.0
#include "config/interpolation.h"

#include "base/paths.h"
#include "config/overridefunctions.h"
#include "config/overridelexer.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <set>

namespace fairy2::config {
namespace {

using base::Json;
using Keys = std::vector<std::string>;

constexpr int kMaxSteps = 100'000;            // values visited for one whole configuration
constexpr int kMaxDepth = 64;                 // interpolations inside interpolations
constexpr std::size_t kMaxText = 1024 * 1024; // of one value

std::string dotted(const Keys& keys) {
    return fmt::format("{}", fmt::join(keys, "."));
}

std::string unescaped(std::string_view escapes) {
    std::string text;
    for (std::size_t i = 1; i < escapes.size(); i += 2)
        text += escapes[i];
    return text;
}

class Resolver {
public:
    explicit Resolver(const Node& root) : m_root(root) {}

    base::Result<Node> node(const Node& node, const Keys& path) {
        FAIRY2_TRY(step(path));
        Node result = node;
        if (node.isScalar()) {
            if (!node.isInterpolation()) return result;
            FAIRY2_ASSIGN(auto value, interpolated(node, path));
            return Node::fromJson(value, node.source);
        }
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            FAIRY2_ASSIGN(result.items[i], this->node(node.items[i], below(path, std::to_string(i))));
        }
        for (auto& entry : result.entries) {
            FAIRY2_ASSIGN(auto value, this->node(entry.value, below(path, entry.key)));
            entry.value = std::move(value);
        }
        return result;
    }

    // `path` is where the text stands; relative interpolations start at its parent.
    base::Result<Json> text(const std::string& text, const Keys& path);

    /// The value at a dotted path, or nothing when there is no such key.
    base::Result<std::optional<Json>> value(const Keys& keys, const Keys& from) {
        const Node* node = &m_root;
        Keys path;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (node->isInterpolation()) {
                FAIRY2_ASSIGN(const auto target, interpolated(*node, path));
                return valueIn(target, Keys(keys.begin() + static_cast<std::ptrdiff_t>(i), keys.end()));
            }
            path.push_back(keys[i]);
            node = node->child(keys[i]);
            if (node == nullptr) return std::optional<Json>();
        }
        if (node->isMissing())
            return base::badInput(
                fmt::format("${{{}}} stands for a value that is still to be given", dotted(keys)), {},
                dotted(from));
        FAIRY2_ASSIGN(const auto resolved, this->node(*node, path));
        return std::optional<Json>(resolved.toJson());
    }

    base::Result<void> step(const Keys& path) {
        if (++m_steps > kMaxSteps)
            return base::badInput(fmt::format("the interpolations expand to more than {} values", kMaxSteps),
                                  {}, dotted(path));
        return {};
    }

    base::Result<void> enter(const Keys& path) {
        if (++m_depth > kMaxDepth)
            return base::badInput(fmt::format("interpolations are nested deeper than {}", kMaxDepth), {},
                                  dotted(path));
        return {};
    }
    void leave() { --m_depth; }

private:
    static Keys below(Keys path, const std::string& key) {
        path.push_back(key);
        return path;
    }
    static std::optional<Json> valueIn(const Json& json, const Keys& keys) {
        const Node tree = Node::fromJson(json, {});
        const Node* node = &tree;
        for (const auto& key : keys)
            if (node = node->child(key); node == nullptr) return {};
        return node->toJson();
    }

    base::Result<Json> interpolated(const Node& node, const Keys& path) {
        const auto key = dotted(path);
        if (!m_open.insert(key).second)
            return base::badInput("the interpolation comes back to itself", node.source, key);
        auto value = text(node.scalar.get<std::string>(), path);
        m_open.erase(key);
        if (!value) {
            auto error = value.error();
            if (error.file.empty()) error.file = node.source;
            if (error.field.empty()) error.field = key;
            return tl::unexpected(std::move(error));
        }
        return value;
    }

    const Node& m_root;
    std::set<std::string> m_open;
    int m_steps = 0;
    int m_depth = 0;
};

// OmegaConf's interpolation grammar, evaluated while it is read.
class TextParser {
public:
    TextParser(Resolver& resolver, std::string_view text, const Keys& path)
        : m_resolver(resolver), m_text(text), m_path(path) {}

    // The whole text: one interpolation alone keeps its type, anything else is joined to a text.
    base::Result<Json> whole() { return textUntil('\0'); }

    // The text of ${oc.decode:…}: one element.
    base::Result<Json> singleElement() {
        FAIRY2_ASSIGN(auto value, element());
        if (!atEnd()) return error(fmt::format("unexpected '{}'", rest()));
        return value;
    }

private:
    [[nodiscard]] bool atEnd() const { return m_at >= m_text.size(); }
    [[nodiscard]] std::string_view rest() const { return m_text.substr(std::min(m_at, m_text.size())); }
    [[nodiscard]] bool sees(std::string_view what) const { return rest().substr(0, what.size()) == what; }
    bool take(std::string_view what) {
        if (!sees(what)) return false;
        m_at += what.size();
        return true;
    }
    void skipSpaces() {
        while (!atEnd() && (m_text[m_at] == ' ' || m_text[m_at] == '\t'))
            ++m_at;
    }
    [[nodiscard]] tl::unexpected<base::Error> error(const std::string& what) const {
        return base::badInput(fmt::format("in '{}': {}", m_text.substr(0, 120), what));
    }

    // Up to the end, or up to an unescaped closing quote. Backslashes count only before ${ and before the
    // quote.
    base::Result<Json> textUntil(char quote) {
        std::string text;
        std::optional<Json> only;
        std::size_t parts = 0;
        for (;;) {
            std::size_t slashes = 0;
            while (sees("\\"))
                ++slashes, ++m_at;
            if (slashes > 0) ++parts;
            const bool closes = quote == '\0' ? atEnd() : (!atEnd() && m_text[m_at] == quote);
            if (atEnd() && !closes) return error("the quotation is not closed");
            const bool halves = sees("${") || (closes && quote != '\0');
            text.append(halves ? slashes / 2 : slashes, '\\');
            if (text.size() > kMaxText) return error("the text grows beyond 1 MiB");
            if (closes && (quote == '\0' || slashes % 2 == 0)) {
                if (quote != '\0') ++m_at;
                if (only && parts == 1 && quote == '\0') return *only;
                return Json(text);
            }
            ++parts;
            if (sees("${") && slashes % 2 == 0) {
                FAIRY2_ASSIGN(auto value, interpolation());
                text += pythonText(value);
                only = std::move(value);
            } else if (sees("${")) {
                text += "${";
                m_at += 2;
            } else {
                text += m_text[m_at++];
            }
        }
    }

    base::Result<Json> interpolation() {
        FAIRY2_TRY(m_resolver.enter(m_path));
        FAIRY2_TRY(m_resolver.step(m_path));
        m_at += 2;
        skipSpaces();
        auto value = interpolationBody();
        m_resolver.leave();
        return value;
    }

    base::Result<std::string> name() {
        if (sees("${")) {
            FAIRY2_ASSIGN(auto value, interpolation());
            if (!value.is_string()) return error("a name made by an interpolation must be a text");
            return value.get<std::string>();
        }
        const auto start = m_at;
        while (!atEnd() && std::string_view("\\${}()[]:. \t'\"").find(m_text[m_at]) == std::string_view::npos)
            ++m_at;
        if (start == m_at) return error("a key was expected inside ${}");
        return std::string(m_text.substr(start, m_at - start));
    }

    base::Result<Json> interpolationBody() {
        std::size_t dots = 0;
        while (take("."))
            ++dots;
        Keys keys;
        bool isPlain = dots == 0; // a resolver's name has neither brackets nor leading dots
        for (bool first = true;; first = false) {
            if (take("[")) {
                isPlain = false;
                FAIRY2_ASSIGN(auto key, name());
                keys.push_back(std::move(key));
                if (!take("]")) return error("']' was expected");
            } else if (first || take(".")) {
                FAIRY2_ASSIGN(auto key, name());
                keys.push_back(std::move(key));
            } else {
                break;
            }
        }
        if (isPlain && take(":")) return resolver(dotted(keys));
        skipSpaces();
        if (!take("}")) return error("'}' was expected");
        return lookUp(dots, keys);
    }

    base::Result<Json> lookUp(std::size_t dots, const Keys& keys) {
        FAIRY2_ASSIGN(const auto absolute, absoluteKeys(dots, keys));
        FAIRY2_ASSIGN(auto found, m_resolver.value(absolute, m_path));
        if (!found) return error(fmt::format("there is no key '{}'", dotted(absolute)));
        return *found;
    }

    base::Result<Keys> absoluteKeys(std::size_t dots, const Keys& keys) const {
        if (dots == 0) return keys;
        if (dots > m_path.size()) return error("the relative interpolation climbs above the root");
        Keys absolute(m_path.begin(), m_path.end() - static_cast<std::ptrdiff_t>(dots));
        absolute.insert(absolute.end(), keys.begin(), keys.end());
        return absolute;
    }

    base::Result<Json> resolver(const std::string& name) {
        skipSpaces();
        std::vector<Json> arguments;
        FAIRY2_TRY(sequence(arguments, '}'));
        skipSpaces();
        if (!take("}")) return error("'}' was expected");
        return callResolver(name, arguments);
    }

    // (element (COMMA element?)*) | (COMMA element?)+, up to a closing bracket; a missing element is an empty
    // text.
    base::Result<void> sequence(std::vector<Json>& into, char close) {
        skipSpaces();
        if (!atEnd() && m_text[m_at] == close) return {};
        for (;;) {
            skipSpaces();
            if (sees(",") || (!atEnd() && m_text[m_at] == close)) {
                into.emplace_back("");
            } else {
                FAIRY2_ASSIGN(auto value, element());
                into.push_back(std::move(value));
            }
            skipSpaces();
            if (!take(",")) return {};
        }
    }

    base::Result<Json> element() {
        FAIRY2_TRY(m_resolver.enter(m_path));
        skipSpaces();
        auto value = elementBody();
        m_resolver.leave();
        return value;
    }

    base::Result<Json> elementBody() {
        if (sees("'") || sees("\"")) {
            const char quote = m_text[m_at++];
            return textUntil(quote);
        }
        if (take("[")) {
            std::vector<Json> items;
            FAIRY2_TRY(sequence(items, ']'));
            skipSpaces();
            if (!take("]")) return error("']' was expected");
            return Json(items);
        }
        if (take("{")) return map();
        return primitive(true);
    }

    base::Result<Json> map() {
        Json object = Json::object();
        skipSpaces();
        if (take("}")) return object;
        do {
            skipSpaces();
            FAIRY2_ASSIGN(auto key, primitive(false));
            skipSpaces();
            if (!take(":")) return error("':' was expected");
            FAIRY2_ASSIGN(object[keyText(key)], element());
            skipSpaces();
        } while (take(","));
        if (!take("}")) return error("'}' was expected");
        return object;
    }

    base::Result<Json> primitive(bool isValue) {
        struct Part {
            TokenType type;
            std::string text;
            Json value;
        };
        std::vector<Part> parts;
        for (;;) {
            if (isValue && sees("${")) {
                FAIRY2_ASSIGN(auto value, interpolation());
                parts.push_back({TokenType::Interpolation, pythonText(value), std::move(value)});
                continue;
            }
            const Token token = firstValueToken(rest());
            const bool belongs = token.type == TokenType::Id || token.type == TokenType::Null ||
                                 token.type == TokenType::Int || token.type == TokenType::Float ||
                                 token.type == TokenType::Bool || token.type == TokenType::UnquotedChar ||
                                 token.type == TokenType::Escape || token.type == TokenType::Space ||
                                 (isValue && token.type == TokenType::Colon);
            if (token.text.empty() || !belongs) break;
            m_at += token.text.size();
            parts.push_back(
                {token.type,
                 token.type == TokenType::Escape ? unescaped(token.text) : std::string(token.text),
                 {}});
        }
        if (!parts.empty() && parts.back().type == TokenType::Space) parts.pop_back();
        if (parts.empty())
            return error(atEnd() ? "the text ends too early" : fmt::format("unexpected '{}'", rest()));
        if (parts.size() > 1) {
            std::string text;
            for (const auto& part : parts)
                text += part.text;
            return Json(text);
        }
        const Part& part = parts.front();
        switch (part.type) {
        case TokenType::Interpolation:
            return part.value;
        case TokenType::Null:
            return Json();
        case TokenType::Bool:
            return Json(part.text[0] == 't' || part.text[0] == 'T');
        case TokenType::Int:
        case TokenType::Float: {
            auto number = pythonNumber(part.text, part.type == TokenType::Float);
            if (!number) return error(number.error().message);
            return number;
        }
        default:
            return Json(part.text);
        }
    }

    base::Result<Json> callResolver(const std::string& name, const std::vector<Json>& arguments);

    base::Result<std::optional<Json>> select(const Json& key) const {
        if (!key.is_string()) return error("the key must be a text");
        const auto text = key.get<std::string>();
        const auto dots = std::min(text.find_first_not_of('.'), text.size());
        FAIRY2_ASSIGN(const auto absolute,
                      absoluteKeys(dots, splitPath(std::string_view(text).substr(dots))));
        return m_resolver.value(absolute, m_path);
    }

    Resolver& m_resolver;
    std::string_view m_text;
    const Keys& m_path;
    std::size_t m_at = 0;
};

base::Result<Json> Resolver::text(const std::string& text, const Keys& path) {
    return TextParser(*this, text, path).whole();
}

base::Result<Json> folderOf(const Json& what) {
    if (what == "data") return Json(base::dataDirectory().string());
    if (what == "home") return Json(base::homeDirectory().string());
    if (what == "cache") return Json(base::cacheDirectory().string());
    return base::badInput(
        fmt::format("there is no folder '{}'; fairy2: knows data, home and cache", pythonText(what)));
}

base::Result<Json> TextParser::callResolver(const std::string& name, const std::vector<Json>& arguments) {
    const auto takes = [&](std::size_t least, std::size_t most) -> base::Result<void> {
        if (arguments.size() >= least && arguments.size() <= most) return {};
        return error(fmt::format("{} takes {} to {} arguments", name, least, most));
    };
    if (name == "fairy2") {
        FAIRY2_TRY(takes(1, 1));
        return folderOf(arguments[0]);
    }
    if (name == "oc.env") {
        FAIRY2_TRY(takes(1, 2));
        if (!arguments[0].is_string()) return error("the name of an environment variable must be a text");
        const auto variable = arguments[0].get<std::string>();
        if (const char* value = std::getenv(variable.c_str()); value != nullptr) return Json(value);
        if (arguments.size() == 1)
            return error(fmt::format("the environment variable {} is not set", variable));
        return arguments[1].is_null() ? Json() : Json(pythonText(arguments[1]));
    }
    if (name == "oc.select" || name == "oc.deprecated") {
        FAIRY2_TRY(takes(1, 2));
        FAIRY2_ASSIGN(auto found, select(arguments[0]));
        if (found) return *found;
        if (name == "oc.select") return arguments.size() > 1 ? arguments[1] : Json();
        return error(fmt::format("there is no key '{}'", pythonText(arguments[0])));
    }
    if (name == "oc.decode") {
        FAIRY2_TRY(takes(1, 1));
        if (arguments[0].is_null()) return Json();
        if (!arguments[0].is_string()) return error("oc.decode takes a text");
        const auto text = arguments[0].get<std::string>();
        return TextParser(m_resolver, text, m_path).singleElement();
    }
    if (name == "oc.create") {
        FAIRY2_TRY(takes(1, 1));
        return arguments[0];
    }
    if (name == "oc.dict.keys" || name == "oc.dict.values") {
        FAIRY2_TRY(takes(1, 1));
        FAIRY2_ASSIGN(const auto found, select(arguments[0]));
        if (!found || !found->is_object())
            return error(fmt::format("'{}' is not a map", pythonText(arguments[0])));
        auto list = Json::array();
        for (const auto& [key, value] : found->items())
            list.push_back(name == "oc.dict.keys" ? Json(key) : value);
        return list;
    }
    return error(fmt::format(
        "there is no resolver '{}' (oc.env oc.select oc.decode oc.create oc.deprecated oc.dict.keys "
        "oc.dict.values fairy2)",
        name));
}

} // namespace

base::Result<Node> resolve(const Node& tree) {
    return Resolver(tree).node(tree, {});
}

base::Result<base::Json> resolveText(const std::string& text, const Node& tree) {
    return Resolver(tree).text(text, {"text"});
}

} // namespace fairy2::config
