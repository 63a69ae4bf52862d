// SPDX-License-Identifier: Apache-2.0
#include "config/yamlreader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace fairy2::config {
namespace {

// Walks over the text of a scalar; each take… moves on when it matches.
class Cursor {
public:
    explicit Cursor(std::string_view text) : m_text(text) {}

    bool take(char c) {
        if (m_at >= m_text.size() || m_text[m_at] != c) return false;
        ++m_at;
        return true;
    }
    bool takeAny(std::string_view set) {
        if (m_at >= m_text.size() || set.find(m_text[m_at]) == std::string_view::npos) return false;
        ++m_at;
        return true;
    }
    bool takeWord(std::string_view word) {
        if (m_text.substr(m_at, word.size()) != word) return false;
        m_at += word.size();
        return true;
    }
    std::size_t takeAll(std::string_view set) {
        const auto start = m_at;
        while (takeAny(set)) {
        }
        return m_at - start;
    }
    [[nodiscard]] bool atEnd() const { return m_at == m_text.size(); }
    [[nodiscard]] std::size_t position() const { return m_at; }
    void back(std::size_t position) { m_at = position; }

private:
    std::string_view m_text;
    std::size_t m_at = 0;
};

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kDigitsAndLine = "0123456789_";

// (:[0-5]?[0-9])+, the base-60 numbers of YAML 1.1
bool takeSixties(Cursor& cursor) {
    int count = 0;
    while (cursor.take(':')) {
        const auto start = cursor.position();
        if (!(cursor.takeAny("012345") && cursor.takeAny(kDigits))) {
            cursor.back(start);
            if (!cursor.takeAny(kDigits)) return false;
        }
        ++count;
    }
    return count > 0;
}

bool takeExponent(Cursor& cursor, bool signRequired) {
    if (!cursor.takeAny("eE")) return true;
    if (!cursor.takeAny("-+") && signRequired) return false;
    return cursor.takeAll(kDigits) > 0;
}

bool isInteger(std::string_view text) {
    const auto matches = [text](const auto& body) {
        Cursor cursor(text);
        cursor.takeAny("-+");
        return body(cursor) && cursor.atEnd();
    };
    return matches([](Cursor& c) { return c.takeWord("0b") && c.takeAll("01_") > 0; }) ||
           matches([](Cursor& c) { return c.take('0') && c.takeAll("01234567_") > 0; }) ||
           matches([](Cursor& c) { return c.take('0'); }) ||
           matches([](Cursor& c) { return c.takeAny("123456789") && (c.takeAll(kDigitsAndLine), true); }) ||
           matches([](Cursor& c) { return c.takeWord("0x") && c.takeAll("0123456789abcdefABCDEF_") > 0; }) ||
           matches([](Cursor& c) {
               return c.takeAny("123456789") && (c.takeAll(kDigitsAndLine), takeSixties(c));
           });
}

// PyYAML's pattern or the wider one that OmegaConf adds (1e5 without a dot).
bool isFloat(std::string_view text) {
    const auto matches = [text](bool sign, const auto& body) {
        Cursor cursor(text);
        if (sign) cursor.takeAny("-+");
        return body(cursor) && cursor.atEnd();
    };
    return matches(true,
                   [](Cursor& c) {
                       return c.takeAny(kDigits) && (c.takeAll(kDigitsAndLine), c.take('.')) &&
                              (c.takeAll(kDigitsAndLine), takeExponent(c, false));
                   }) ||
           matches(true,
                   [](Cursor& c) {
                       const auto digits = c.takeAll(kDigits);
                       while (c.take('_'))
                           if (c.takeAll(kDigits) == 0) return false;
                       const auto at = c.position();
                       return digits > 0 && takeExponent(c, false) && c.position() > at;
                   }) ||
           matches(false,
                   [](Cursor& c) {
                       return c.take('.') && c.takeAny(kDigits) &&
                              (c.takeAll(kDigitsAndLine), takeExponent(c, true));
                   }) ||
           matches(true,
                   [](Cursor& c) {
                       return c.takeAny(kDigits) && (c.takeAll(kDigitsAndLine), takeSixties(c)) &&
                              c.take('.') && (c.takeAll(kDigitsAndLine), true);
                   }) ||
           matches(true,
                   [](Cursor& c) {
                       return c.take('.') && (c.takeWord("inf") || c.takeWord("Inf") || c.takeWord("INF"));
                   }) ||
           matches(false, [](Cursor& c) {
               return c.take('.') && (c.takeWord("nan") || c.takeWord("NaN") || c.takeWord("NAN"));
           });
}

std::string withoutLines(std::string_view text) {
    std::string result(text);
    std::erase(result, '_');
    return result;
}

double plainDouble(const std::string& text) {
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc::result_out_of_range) return std::strtod(text.c_str(), nullptr);
    return value;
}

base::Result<base::Json> integerValue(std::string_view text) {
    std::string digits = withoutLines(text);
    bool negative = false;
    if (digits[0] == '-' || digits[0] == '+') {
        negative = digits[0] == '-';
        digits.erase(0, 1);
    }
    std::uint64_t size = 0;
    const auto add = [&](std::string_view part, int radix, std::uint64_t scale) {
        std::uint64_t value = 0;
        const auto parsed = std::from_chars(part.data(), part.data() + part.size(), value, radix);
        return parsed.ec == std::errc() && !__builtin_mul_overflow(size, scale, &size) &&
               !__builtin_add_overflow(size, value, &size);
    };
    bool fits = true;
    if (digits.size() > 2 && (digits[1] == 'b' || digits[1] == 'x')) {
        fits = add(std::string_view(digits).substr(2), digits[1] == 'b' ? 2 : 16, 1);
    } else if (digits.size() > 1 && digits[0] == '0') {
        fits = add(digits, 8, 1);
    } else {
        for (std::size_t start = 0; fits && start < digits.size();) {
            const auto end = std::min(digits.find(':', start), digits.size());
            fits = add(std::string_view(digits).substr(start, end - start), 10, 60);
            start = end + 1;
        }
    }
    const auto limit =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
    if (!fits || size > limit)
        return base::badInput(fmt::format("the integer {} does not fit into 64 bits", text.substr(0, 40)));
    return base::Json(static_cast<std::int64_t>(negative ? ~size + 1 : size));
}

double floatValue(std::string_view text) {
    std::string digits = withoutLines(text);
    double sign = 1;
    if (digits[0] == '-' || digits[0] == '+') {
        sign = digits[0] == '-' ? -1 : 1;
        digits.erase(0, 1);
    }
    if (digits[0] == '.' && std::isalpha(static_cast<unsigned char>(digits[1])) != 0)
        return std::tolower(static_cast<unsigned char>(digits[1])) == 'i'
                   ? sign * std::numeric_limits<double>::infinity()
                   : std::numeric_limits<double>::quiet_NaN();
    double value = 0;
    for (std::size_t start = 0; start < digits.size();) {
        const auto end = std::min(digits.find(':', start), digits.size());
        value = value * 60 + plainDouble(digits.substr(start, end - start));
        start = end + 1;
    }
    return sign * value;
}

} // namespace

base::Result<base::Json> plainScalar(std::string_view text) {
    static constexpr std::array<std::string_view, 9> kTrue = {"true", "True", "TRUE", "yes", "Yes",
                                                              "YES",  "on",   "On",   "ON"};
    static constexpr std::array<std::string_view, 9> kFalse = {"false", "False", "FALSE", "no", "No",
                                                               "NO",    "off",   "Off",   "OFF"};
    static constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
    const auto isOneOf = [text](const auto& words) {
        return std::find(words.begin(), words.end(), text) != words.end();
    };
    if (isOneOf(kNull)) return base::Json();
    if (isOneOf(kTrue)) return base::Json(true);
    if (isOneOf(kFalse)) return base::Json(false);
    if (std::string_view("-+.0123456789").find(text[0]) != std::string_view::npos) {
        if (isInteger(text)) return integerValue(text);
        if (isFloat(text)) return base::Json(floatValue(text));
    }
    return base::Json(std::string(text));
}

} // namespace fairy2::config
