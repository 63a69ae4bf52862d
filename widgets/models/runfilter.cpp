// SPDX-License-Identifier: Apache-2.0
#include "models/runfilter.h"

#include "quant/recipe.h"

#include <QString>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>

namespace fairy2::itemmodels {
namespace {

using Predicate = RunFilter::Predicate;

constexpr int kDeepest = 50;
constexpr std::size_t kLongest = 2000; ///< bytes; keeps the chain of conditions short enough for the stack
constexpr const char* kKeys =
    "tag, state, name, note, model, cfg.KEY, loss, val_loss, bits, speed, step, progress";

enum class Kind { Word, Open, Close, End };

struct Token {
    Kind kind = Kind::End;
    std::string text;
    bool quoted = false; ///< a quoted AND is a word like any other
};

std::string lower(std::string_view text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())).toLower().toStdString();
}

// Quotes may also stand inside a word, as in note:"two words".
base::Result<std::vector<Token>> tokenize(std::string_view text) {
    std::vector<Token> tokens;
    std::size_t at = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (std::isspace(static_cast<unsigned char>(c)) != 0) {
            ++at;
            continue;
        }
        if (c == '(' || c == ')') {
            tokens.push_back({c == '(' ? Kind::Open : Kind::Close, std::string(1, c), false});
            ++at;
            continue;
        }
        Token word{Kind::Word, {}, false};
        bool inQuotes = false;
        for (; at < text.size(); ++at) {
            const char w = text[at];
            if (w == '"') {
                inQuotes = !inQuotes;
                word.quoted = true;
            } else if (!inQuotes &&
                       (std::isspace(static_cast<unsigned char>(w)) != 0 || w == '(' || w == ')')) {
                break;
            } else {
                word.text += w;
            }
        }
        if (inQuotes) return base::badInput("a quotation mark is not closed", {}, "filter");
        tokens.push_back(std::move(word));
    }
    tokens.push_back({});
    return tokens;
}

bool holds(const std::string& text, const std::string& wanted) {
    const std::string in = lower(text);
    if (wanted.find_first_of("*?") != std::string::npos) return quant::globMatches(wanted, in);
    return in.find(wanted) != std::string::npos;
}

std::string modelOf(const RunRow& row) {
    static const base::Json::json_pointer kPath("/model/path");
    const auto& config = row.summary.config;
    if (!config.is_object() || !config.contains(kPath) || !config[kPath].is_string()) return {};
    return config[kPath].get<std::string>();
}

std::string tagsOf(const RunRow& row) {
    std::string all;
    for (const auto& tag : row.summary.annotations.tags)
        all += tag + ' ';
    return all;
}

Predicate anywhere(const std::string& wanted) {
    return [wanted](const RunRow& row) {
        return holds(displayName(row.summary), wanted) || holds(tagsOf(row), wanted) ||
               holds(row.summary.annotations.notes, wanted) || holds(runs::name(row.summary.state), wanted) ||
               holds(modelOf(row), wanted);
    };
}

enum class Comparison { Less, LessEqual, Greater, GreaterEqual, Equal, Unequal };

template <typename T>
bool compare(const T& left, Comparison how, const T& right) {
    switch (how) {
    case Comparison::Less:
        return left < right;
    case Comparison::LessEqual:
        return left <= right;
    case Comparison::Greater:
        return left > right;
    case Comparison::GreaterEqual:
        return left >= right;
    case Comparison::Equal:
        return left == right;
    case Comparison::Unequal:
        return left != right;
    }
    return false;
}

std::optional<double> toNumber(const std::string& text) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end) return {};
    return value;
}

using Number = std::function<std::optional<double>(const RunRow&)>;

const std::map<std::string, Number>& numbers() {
    static const std::map<std::string, Number> all = {
        {"loss", [](const RunRow& row) { return row.loss; }},
        {"val_loss", [](const RunRow& row) { return row.validationLoss; }},
        {"bits", [](const RunRow& row) { return row.bitsPerWeight; }},
        {"speed", [](const RunRow& row) { return row.tokensPerSecond; }},
        {"step",
         [](const RunRow& row) { return std::optional<double>(static_cast<double>(row.summary.step)); }},
        {"progress", [](const RunRow& row) { return std::optional<double>(row.progress() * 100); }},
    };
    return all;
}

// The value whose dotted key is `key`, or ends in ".key"; depth-first, so the first of several.
const base::Json* findKey(const base::Json& tree, const std::string& path, const std::string& key) {
    for (const auto& [name, value] : tree.items()) {
        const std::string here = path.empty() ? name : path + '.' + name;
        const bool ends =
            here.size() > key.size() && here.ends_with(key) && here[here.size() - key.size() - 1] == '.';
        if (!value.is_object() && (here == key || ends)) return &value;
        if (!value.is_object()) continue;
        if (const auto* found = findKey(value, here, key)) return found;
    }
    return nullptr;
}

bool compareConfig(const base::Json& config, const std::string& key, Comparison how,
                   const std::string& wanted) {
    const auto* value = config.is_object() ? findKey(config, {}, key) : nullptr;
    if (value == nullptr) return how == Comparison::Unequal;
    const auto number = toNumber(wanted);
    if (value->is_number() && number) return compare(value->get<double>(), how, *number);
    const std::string text = lower(value->is_string() ? value->get<std::string>() : value->dump());
    if (how == Comparison::Equal) return holds(text, wanted);
    if (how == Comparison::Unequal) return !holds(text, wanted);
    return false;
}

struct Term {
    std::string key;
    Comparison how = Comparison::Equal;
    std::string value;
    std::string sign;
};

// Splits key OP value at the first operator; no operator = not a term but a plain word.
std::optional<Term> splitTerm(const std::string& text) {
    const auto at = text.find_first_of(":<>=!");
    if (at == std::string::npos || at == 0) return {};
    static const std::vector<std::pair<std::string, Comparison>> signs = {
        {"<=", Comparison::LessEqual}, {">=", Comparison::GreaterEqual}, {"!=", Comparison::Unequal},
        {"==", Comparison::Equal},     {"<", Comparison::Less},          {">", Comparison::Greater},
        {"=", Comparison::Equal},      {":", Comparison::Equal},
    };
    for (const auto& [sign, how] : signs)
        if (text.compare(at, sign.size(), sign) == 0)
            return Term{lower(text.substr(0, at)), how, lower(text.substr(at + sign.size())), sign};
    return {};
}

base::Result<Predicate> textTerm(const Term& term,
                                 std::function<bool(const RunRow&, const std::string&)> test) {
    if (term.how != Comparison::Equal && term.how != Comparison::Unequal)
        return base::badInput(
            fmt::format("'{}' holds text, which '{}' does not compare", term.key, term.sign), {}, "filter",
            fmt::format("write {}:{}", term.key, term.value));
    const bool wanted = term.how == Comparison::Equal;
    return Predicate([test = std::move(test), wanted, value = term.value](const RunRow& row) {
        return test(row, value) == wanted;
    });
}

base::Result<Predicate> termPredicate(const Term& term) {
    if (term.value.empty())
        return base::badInput(fmt::format("'{}{}' lacks a value", term.key, term.sign), {}, "filter",
                              fmt::format("write {}{}VALUE", term.key, term.sign));
    if (term.key.starts_with("cfg.") && term.key.size() > 4)
        return Predicate([key = term.key.substr(4), term](const RunRow& row) {
            return compareConfig(row.summary.config, key, term.how, term.value);
        });
    if (term.key == "tag")
        return textTerm(term, [](const RunRow& row, const std::string& value) {
            const auto& all = row.summary.annotations.tags;
            return std::any_of(all.begin(), all.end(),
                               [&](const std::string& tag) { return quant::globMatches(value, lower(tag)); });
        });
    if (term.key == "state")
        return textTerm(term, [](const RunRow& row, const std::string& value) {
            return holds(runs::name(row.summary.state), value);
        });
    if (term.key == "name")
        return textTerm(term, [](const RunRow& row, const std::string& value) {
            return holds(displayName(row.summary), value);
        });
    if (term.key == "note")
        return textTerm(term, [](const RunRow& row, const std::string& value) {
            return holds(row.summary.annotations.notes, value);
        });
    if (term.key == "model")
        return textTerm(
            term, [](const RunRow& row, const std::string& value) { return holds(modelOf(row), value); });
    const auto number = numbers().find(term.key);
    if (number == numbers().end())
        return base::badInput(fmt::format("there is no key '{}'", term.key), {}, "filter",
                              fmt::format("use one of {}", kKeys));
    const auto wanted = toNumber(term.value);
    if (!wanted)
        return base::badInput(
            fmt::format("'{}' is compared with a number, not with '{}'", term.key, term.value), {}, "filter");
    return Predicate([read = number->second, term, wanted = *wanted](const RunRow& row) {
        const auto value = read(row);
        return value && compare(*value, term.how, wanted);
    });
}

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : m_tokens(std::move(tokens)) {}

    base::Result<Predicate> parse() {
        FAIRY2_ASSIGN(auto all, disjunction(0));
        if (peek().kind == Kind::Close)
            return base::badInput("a closing parenthesis has no opening one", {}, "filter");
        return all;
    }

private:
    [[nodiscard]] const Token& peek() const { return m_tokens[m_at]; }
    [[nodiscard]] bool atWord(const char* word) const {
        return peek().kind == Kind::Word && !peek().quoted && lower(peek().text) == word;
    }
    bool accept(const char* word) {
        if (!atWord(word)) return false;
        ++m_at;
        return true;
    }

    base::Result<Predicate> disjunction(int depth) {
        FAIRY2_ASSIGN(auto left, conjunction(depth));
        while (accept("or")) {
            FAIRY2_ASSIGN(auto right, conjunction(depth));
            left = [a = std::move(left), b = std::move(right)](const RunRow& row) {
                return a(row) || b(row);
            };
        }
        return left;
    }

    base::Result<Predicate> conjunction(int depth) {
        FAIRY2_ASSIGN(auto left, factor(depth));
        while (peek().kind != Kind::End && peek().kind != Kind::Close && !atWord("or")) {
            accept("and");
            FAIRY2_ASSIGN(auto right, factor(depth));
            left = [a = std::move(left), b = std::move(right)](const RunRow& row) {
                return a(row) && b(row);
            };
        }
        return left;
    }

    base::Result<Predicate> factor(int depth) {
        if (depth > kDeepest) return base::badInput("the filter is nested too deeply", {}, "filter");
        if (accept("not")) {
            FAIRY2_ASSIGN(auto inner, factor(depth + 1));
            return Predicate([inner = std::move(inner)](const RunRow& row) { return !inner(row); });
        }
        if (peek().kind == Kind::Open) {
            ++m_at;
            FAIRY2_ASSIGN(auto inner, disjunction(depth + 1));
            if (peek().kind != Kind::Close)
                return base::badInput("a parenthesis is not closed", {}, "filter");
            ++m_at;
            return inner;
        }
        if (peek().kind != Kind::Word || atWord("and") || atWord("or"))
            return base::badInput("the filter breaks off", {}, "filter",
                                  "AND, OR and NOT stand before a condition");
        const Token word = m_tokens[m_at++];
        if (const auto term = splitTerm(word.text)) return termPredicate(*term);
        return anywhere(lower(word.text));
    }

    std::vector<Token> m_tokens;
    std::size_t m_at = 0;
};

} // namespace

base::Result<RunFilter> RunFilter::parse(std::string_view text) {
    if (text.size() > kLongest)
        return base::badInput(fmt::format("the filter is longer than {} characters", kLongest), {}, "filter");
    FAIRY2_ASSIGN(auto tokens, tokenize(text));
    if (tokens.size() == 1) return RunFilter();
    FAIRY2_ASSIGN(auto predicate, Parser(std::move(tokens)).parse());
    return RunFilter(std::move(predicate));
}

} // namespace fairy2::itemmodels
