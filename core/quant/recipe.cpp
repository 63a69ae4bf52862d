// SPDX-License-Identifier: Apache-2.0
#include "quant/recipe.h"

#include <algorithm>
#include <fmt/format.h>
#include <initializer_list>
#include <string_view>

namespace fairy2::quant {
namespace {

constexpr std::string_view kHead = "lm_head";

base::Result<bool> boolean(const base::Json& object, const std::string& key, const std::string& field,
                           const std::string& file) {
    const auto& value = object.at(key);
    if (!value.is_boolean())
        return base::badInput(fmt::format("the value is a {}; true or false was expected", value.type_name()),
                              file, field);
    return value.get<bool>();
}

base::Result<ScaleGranularity> granularity(const base::Json& object, const std::string& key,
                                           const std::string& field, const std::string& file) {
    auto text = base::jsonString(object, key, file);
    auto parsed = text ? parseScaleGranularity(*text) : tl::unexpected(text.error());
    if (!parsed) {
        parsed.error().file = file;
        parsed.error().field = field;
    }
    return parsed;
}

base::Result<int> stageCount(const base::Json& object, const std::string& field, const std::string& file) {
    auto stages = base::jsonInteger(object, "stages", 0, 4, file);
    if (!stages) {
        stages.error().field = field;
        return tl::unexpected(stages.error());
    }
    return static_cast<int>(*stages);
}

base::Result<void> checkKeys(const base::Json& object, std::initializer_list<std::string_view> known,
                             const std::string& prefix, const std::string& file) {
    if (!object.is_object())
        return base::badInput(fmt::format("a {} where a JSON object was expected", object.type_name()), file,
                              prefix);
    for (const auto& [key, value] : object.items()) {
        if (std::find(known.begin(), known.end(), key) == known.end())
            return base::badInput("unknown key", file, prefix.empty() ? key : prefix + "." + key,
                                  fmt::format("known keys: {}", fmt::join(known, ", ")));
    }
    return {};
}

base::Result<ModelRecipe::Rule> parseRule(const base::Json& json, const std::string& prefix,
                                          const std::string& file) {
    FAIRY2_TRY(checkKeys(json, {"match", "stages", "scale", "skip"}, prefix, file));
    ModelRecipe::Rule rule;
    auto match = base::jsonString(json, "match", file);
    if (match && match->empty()) match = base::badInput("the pattern is empty", file);
    if (!match) {
        match.error().field = prefix + ".match";
        return tl::unexpected(match.error());
    }
    rule.match = *match;
    if (json.contains("stages")) {
        FAIRY2_ASSIGN(rule.stages, stageCount(json, prefix + ".stages", file));
    }
    if (json.contains("scale")) {
        FAIRY2_ASSIGN(rule.scale, granularity(json, "scale", prefix + ".scale", file));
    }
    if (json.contains("skip")) {
        FAIRY2_ASSIGN(rule.skip, boolean(json, "skip", prefix + ".skip", file));
    }
    return rule;
}

} // namespace

base::Result<ScaleGranularity> parseScaleGranularity(const std::string& text) {
    for (const auto each : {ScaleGranularity::Tensor, ScaleGranularity::Row, ScaleGranularity::Tile64})
        if (text == name(each)) return each;
    return base::badInput(fmt::format("'{}' is not a scale granularity", text), {}, {},
                          "use tensor, row or tile64");
}

const char* name(ScaleGranularity granularity) noexcept {
    switch (granularity) {
    case ScaleGranularity::Tensor:
        return "tensor";
    case ScaleGranularity::Row:
        return "row";
    case ScaleGranularity::Tile64:
        return "tile64";
    }
    return "tensor";
}

LayerRecipe ModelRecipe::forLayer(const std::string& layer) const {
    const auto rule = std::find_if(rules.begin(), rules.end(),
                                   [&](const Rule& each) { return globMatches(each.match, layer); });
    LayerRecipe recipe = defaults;
    if (rule == rules.end()) {
        if (layer == kHead && !quantizeLmHead) recipe.skip = true;
        return recipe;
    }
    recipe.stages = rule->stages.value_or(recipe.stages);
    recipe.scale = rule->scale.value_or(recipe.scale);
    recipe.skip = rule->skip.value_or(recipe.skip);
    return recipe;
}

base::Json ModelRecipe::toJson() const {
    auto layers = base::Json::array();
    for (const auto& rule : rules) {
        base::Json each = {{"match", rule.match}};
        if (rule.stages) each["stages"] = *rule.stages;
        if (rule.scale) each["scale"] = name(*rule.scale);
        if (rule.skip) each["skip"] = *rule.skip;
        layers.push_back(std::move(each));
    }
    return {{"stages", defaults.skip ? 0 : defaults.stages},
            {"scale_granularity", name(defaults.scale)},
            {"quantize_lm_head", quantizeLmHead},
            {"layers", std::move(layers)}};
}

base::Result<ModelRecipe> ModelRecipe::fromJson(const base::Json& json, const std::string& file) {
    FAIRY2_TRY(checkKeys(json, {"stages", "scale_granularity", "quantize_lm_head", "layers"}, {}, file));
    ModelRecipe recipe;
    if (json.contains("stages")) {
        FAIRY2_ASSIGN(recipe.defaults.stages, stageCount(json, "stages", file));
    }
    if (json.contains("scale_granularity")) {
        FAIRY2_ASSIGN(recipe.defaults.scale,
                      granularity(json, "scale_granularity", "scale_granularity", file));
    }
    if (json.contains("quantize_lm_head")) {
        FAIRY2_ASSIGN(recipe.quantizeLmHead, boolean(json, "quantize_lm_head", "quantize_lm_head", file));
    }
    if (!json.contains("layers")) return recipe;
    const auto& layers = json.at("layers");
    if (!layers.is_array())
        return base::badInput(fmt::format("a {} where a list of rules was expected", layers.type_name()),
                              file, "layers");
    for (std::size_t i = 0; i < layers.size(); ++i) {
        FAIRY2_ASSIGN(auto rule, parseRule(layers[i], fmt::format("layers[{}]", i), file));
        recipe.rules.push_back(std::move(rule));
    }
    return recipe;
}

bool globMatches(std::string_view pattern, std::string_view text) noexcept {
    // Greedy with one point of return: the last '*' seen. Linear in practice, never exponential.
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(),
                       [](char c) { return c == '*'; });
}

} // namespace fairy2::quant
