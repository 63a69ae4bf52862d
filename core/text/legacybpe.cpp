// SPDX-License-Identifier: Apache-2.0
#include "text/legacybpe.h"

#include "base/json.h"

#include <algorithm>
#include <fmt/format.h>

namespace fairy2::text {
namespace {

using base::Json;

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

// How Qwen splits text before BPE (tokenizer.json of Qwen2 and Qwen3 models, pre_tokenizer).
constexpr const char* kQwenPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

base::Result<Json> readOptional(const base::Path& path) {
    if (!std::filesystem::exists(path)) return Json::object();
    FAIRY2_ASSIGN(auto json, base::readJson(path, {std::size_t{4} << 20, 64}));
    if (!json.is_object()) return base::badInput("this is not a JSON object", path.string());
    return json;
}

base::Result<Json> readVocabulary(const base::Path& path) {
    FAIRY2_ASSIGN(auto vocabulary, base::readJson(path, {kMaxFileBytes, 4}));
    if (!vocabulary.is_object() || vocabulary.empty())
        return base::badInput("this is not an object of tokens and ids", path.string());
    for (const auto& [token, id] : vocabulary.items())
        if (!id.is_number_unsigned() || id.get<std::uint64_t>() > INT32_MAX)
            return base::badInput("the id is not a whole number from 0 to 2147483647", path.string(), token);
    return vocabulary;
}

// One merge a line, its halves with one space between; the first line may be "#version: …".
base::Result<Json> readMerges(const base::Path& path) {
    FAIRY2_ASSIGN(const std::string text, base::readFile(path, kMaxFileBytes));
    Json merges = Json::array();
    std::size_t number = 0;
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('\n', start), text.size());
        auto line = std::string_view(text).substr(start, end - start);
        start = end + 1;
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || (number == 1 && line.starts_with("#version"))) continue;
        const auto space = line.find(' ');
        if (space == 0 || space == std::string_view::npos || space + 1 == line.size() ||
            line.find(' ', space + 1) != std::string_view::npos)
            return base::badInput("a merge is two pieces with one space between", path.string(),
                                  fmt::format("line {}", number));
        merges.push_back(Json::array({line.substr(0, space), line.substr(space + 1)}));
    }
    return merges;
}

enum class Style { Gpt2, Qwen };

base::Result<Style> styleOf(const Json& tokenizerConfig, const Json& modelConfig, const base::Path& folder) {
    std::string name = tokenizerConfig.value("tokenizer_class", Json()).is_string()
                           ? tokenizerConfig["tokenizer_class"].get<std::string>()
                           : std::string();
    if (name.ends_with("Fast")) name.resize(name.size() - 4);
    if (name == "GPT2Tokenizer") return Style::Gpt2;
    if (name == "Qwen2Tokenizer") return Style::Qwen;
    if (!name.empty())
        return base::badInput(
            fmt::format("vocab.json and merges.txt of a {} are not read here", name),
            (folder / "tokenizer_config.json").string(), "tokenizer_class",
            "add the model's tokenizer.json, or write one with save_pretrained() in transformers");
    const Json type = modelConfig.value("model_type", Json());
    const bool qwen = type.is_string() && type.get<std::string>().starts_with("qwen");
    return qwen ? Style::Qwen : Style::Gpt2;
}

bool flag(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

// A special token is a string or an object with `content`.
std::string tokenText(const Json& config, const char* key) {
    const auto found = config.find(key);
    if (found == config.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    if (!found->is_object()) return {};
    const auto content = found->find("content");
    return content != found->end() && content->is_string() ? content->get<std::string>() : std::string();
}

class AddedTokens {
public:
    explicit AddedTokens(const Json& vocabulary)
        : m_vocabulary(vocabulary), m_next(static_cast<std::int64_t>(vocabulary.size())) {}

    base::Result<void> addDeclared(const Json& decoder, const std::string& file) {
        for (const auto& [key, entry] : decoder.items()) {
            const bool digits =
                !key.empty() && key.size() <= 9 &&
                std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
            const auto content = entry.is_object() ? entry.value("content", Json()) : Json();
            if (!digits || !content.is_string())
                return base::badInput("an added token is an id with an object that has `content`", file,
                                      "added_tokens_decoder." + key);
            add(std::stoll(key), content.get<std::string>(), entry, flag(entry, "special"));
        }
        return checkIds(file);
    }

    /// A special token that was not declared: under its id in the vocabulary, else behind all others.
    void addSpecial(const std::string& content) {
        if (content.empty() || m_ids.contains(content)) return;
        const auto known = m_vocabulary.find(content);
        add(known == m_vocabulary.end() ? m_next : known->get<std::int64_t>(), content, Json::object(), true);
    }

    [[nodiscard]] std::int64_t id(const std::string& content) const { return m_ids.at(content); }

    [[nodiscard]] Json list() const {
        Json list = Json::array();
        for (const auto& [id, token] : m_tokens)
            list.push_back(token);
        return list;
    }

private:
    // The library numbers added tokens itself: as in the vocabulary, else one after the other behind it.
    [[nodiscard]] base::Result<void> checkIds(const std::string& file) const {
        auto next = static_cast<std::int64_t>(m_vocabulary.size());
        for (const auto& [id, token] : m_tokens) {
            const auto known = m_vocabulary.find(token["content"].get<std::string>());
            const std::int64_t given = known != m_vocabulary.end() ? known->get<std::int64_t>() : next++;
            if (given != id)
                return base::badInput(
                    fmt::format("this added token would get the id {}, not {}", given, id), file,
                    fmt::format("added_tokens_decoder.{}", id),
                    "add the model's tokenizer.json, or write one with save_pretrained() in transformers");
        }
        return {};
    }

    void add(std::int64_t id, const std::string& content, const Json& entry, bool special) {
        m_tokens[id] = {{"id", id},
                        {"content", content},
                        {"single_word", flag(entry, "single_word")},
                        {"lstrip", flag(entry, "lstrip")},
                        {"rstrip", flag(entry, "rstrip")},
                        {"normalized", flag(entry, "normalized")},
                        {"special", special}};
        m_ids[content] = id;
        m_next = std::max(m_next, id + 1);
    }

    const Json& m_vocabulary;
    std::map<std::int64_t, Json> m_tokens;
    std::map<std::string, std::int64_t> m_ids;
    std::int64_t m_next;
};

Json byteLevel(bool addPrefixSpace, bool useRegex) {
    return {{"type", "ByteLevel"},
            {"add_prefix_space", addPrefixSpace},
            {"trim_offsets", true},
            {"use_regex", useRegex}};
}

Json preTokenizer(Style style, bool addPrefixSpace) {
    if (style == Style::Gpt2) return byteLevel(addPrefixSpace, true);
    const Json split = {{"type", "Split"},
                        {"pattern", {{"Regex", kQwenPattern}}},
                        {"behavior", "Isolated"},
                        {"invert", false}};
    return {{"type", "Sequence"}, {"pretokenizers", {split, byteLevel(addPrefixSpace, false)}}};
}

// BOS and EOS around the text where tokenizer_config.json asks for them.
Json postProcessor(const Json& config, const AddedTokens& added) {
    Json single = Json::array();
    Json special = Json::object();
    const auto put = [&](const char* switchKey, const char* tokenKey) {
        const auto content = tokenText(config, tokenKey);
        if (!flag(config, switchKey) || content.empty()) return;
        single.push_back({{"SpecialToken", {{"id", content}, {"type_id", 0}}}});
        special[content] = {
            {"id", content}, {"ids", Json::array({added.id(content)})}, {"tokens", Json::array({content})}};
    };
    put("add_bos_token", "bos_token");
    single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    put("add_eos_token", "eos_token");
    return {{"type", "TemplateProcessing"},
            {"single", single},
            {"pair", Json::array()},
            {"special_tokens", special}};
}

} // namespace

base::Result<std::string> composeFromVocabulary(const base::Path& folder) {
    FAIRY2_ASSIGN(const Json vocabulary, readVocabulary(folder / "vocab.json"));
    FAIRY2_ASSIGN(const Json merges, readMerges(folder / "merges.txt"));
    const base::Path configFile = folder / "tokenizer_config.json";
    FAIRY2_ASSIGN(const Json config, readOptional(configFile));
    FAIRY2_ASSIGN(const Json modelConfig, readOptional(folder / "config.json"));
    FAIRY2_ASSIGN(const Style style, styleOf(config, modelConfig, folder));

    AddedTokens added(vocabulary);
    if (const auto declared = config.find("added_tokens_decoder");
        declared != config.end() && declared->is_object())
        FAIRY2_TRY(added.addDeclared(*declared, configFile.string()));
    for (const char* key : {"unk_token", "bos_token", "eos_token", "pad_token"})
        added.addSpecial(tokenText(config, key));
    // Both families know this one without a configuration.
    if (vocabulary.contains("<|endoftext|>")) added.addSpecial("<|endoftext|>");

    const Json document = {
        {"version", "1.0"},
        {"truncation", nullptr},
        {"padding", nullptr},
        {"added_tokens", added.list()},
        {"normalizer", style == Style::Qwen ? Json{{"type", "NFC"}} : Json()},
        {"pre_tokenizer", preTokenizer(style, flag(config, "add_prefix_space"))},
        {"post_processor", postProcessor(config, added)},
        {"decoder", byteLevel(true, true)},
        {"model",
         {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", ""},
          {"end_of_word_suffix", ""},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", vocabulary},
          {"merges", merges}}},
    };
    try {
        return document.dump();
    } catch (const Json::exception&) {
        return base::badInput("this is not valid UTF-8", (folder / "merges.txt").string());
    }
}

} // namespace fairy2::text
