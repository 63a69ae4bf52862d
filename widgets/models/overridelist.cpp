// SPDX-License-Identifier: Apache-2.0
#include "models/overridelist.h"

#include <algorithm>
#include <string_view>

namespace fairy2::itemmodels {
namespace {

// "++key=value" → "key"; a word without '=' has no key.
std::string_view keyOf(std::string_view word) {
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) return {};
    const auto begin = std::min(word.find_first_not_of('+'), equals);
    return word.substr(begin, equals - begin);
}

bool isPlain(char c, std::string_view further) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte >= 0x80 || further.find(c) != std::string_view::npos;
}

bool allPlain(std::string_view text, std::string_view further) {
    return std::all_of(text.begin(), text.end(), [&](char c) { return isPlain(c, further); });
}

} // namespace

base::Result<OverrideList> OverrideList::parse(const QString& text) {
    OverrideList list;
    const std::string input = text.toStdString();
    std::string word;
    bool inWord = false;
    char quote = 0;
    for (std::size_t i = 0; i < input.size(); ++i) {
        const char c = input[i];
        const bool escapes = c == '\\' && quote != '\'' && i + 1 < input.size();
        if (escapes && (quote == 0 || input[i + 1] == '"' || input[i + 1] == '\\')) {
            word += input[++i];
            inWord = true;
        } else if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            inWord = true;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            if (inWord) list.m_words.push_back(std::move(word));
            word.clear();
            inWord = false;
        } else {
            word += c;
            inWord = true;
        }
    }
    if (quote != 0)
        return base::badInput("a quotation mark is not closed", {}, std::string(keyOf(word)),
                              std::string("add the missing ") + quote);
    if (inWord) list.m_words.push_back(std::move(word));
    return list;
}

std::optional<std::string> OverrideList::value(const std::string& key) const {
    for (const auto& word : m_words)
        if (keyOf(word) == key) return word.substr(word.find('=') + 1);
    return {};
}

void OverrideList::set(const std::string& key, const std::string& value) {
    for (auto& word : m_words) {
        if (keyOf(word) != key) continue;
        word = word.substr(0, word.find('=') + 1) + value;
        return;
    }
    m_words.push_back(key + '=' + value);
}

void OverrideList::remove(const std::string& key) {
    std::erase_if(m_words, [&](const std::string& word) { return keyOf(word) == key; });
}

QString OverrideList::text() const {
    QStringList lines;
    for (const auto& word : m_words)
        lines << shellQuoted(word);
    return lines.join(u'\n');
}

QString OverrideList::command() const {
    QStringList words{QStringLiteral("fairy2"), QStringLiteral("train")};
    for (const auto& word : m_words)
        words << shellQuoted(word);
    return words.join(u' ');
}

QString shellQuoted(const std::string& word) {
    if (!word.empty() && allPlain(word, "_-+=./,:@%^")) return QString::fromStdString(word);
    QString text = QString::fromStdString(word);
    return u'\'' + text.replace(u'\'', QLatin1String("'\\''")) + u'\'';
}

std::string overrideValue(const std::string& text) {
    if (!text.empty() && allPlain(text, "_-+./:@%?*|")) return text;
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '\'';
}

} // namespace fairy2::itemmodels
