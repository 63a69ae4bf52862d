// SPDX-License-Identifier: Apache-2.0
#include "models/spec.h"

#include "base/printable.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numbers>

namespace fairy2::models {
namespace {

using base::Json;

// Products of these stay below 2^60, so that no count of weights or bytes can overflow.
constexpr std::int64_t kMaxVocabulary = std::int64_t{1} << 24U;
constexpr std::int64_t kMaxDimension = std::int64_t{1} << 20U;
constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxHeads = std::int64_t{1} << 14U;
constexpr std::int64_t kMaxHeadDim = std::int64_t{1} << 14U;
constexpr std::int64_t kMaxPositions = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kMaxIds = 4096;

// What transformers' LlamaConfig and Qwen3Config assume for a missing key.
struct Defaults {
    std::int64_t intermediateSize;
    std::int64_t maxPositions;
    std::optional<std::int64_t> kvHeads; // none: as many as heads
    std::optional<std::int64_t> headDim; // none: hidden_size / heads
    std::vector<std::int64_t> eosIds;
    std::optional<std::int64_t> bosId;
};

Defaults defaultsOf(Family family) {
    if (family == Family::Llama) return {11008, 2048, std::nullopt, std::nullopt, {2}, 1};
    return {22016, 32768, 32, 128, {}, std::nullopt};
}

// A config.json being read: every question names its key in the error.
struct Reader {
    const Json& object;
    const std::string& file;
    std::string prefix; // "rope_scaling." inside a nested object

    [[nodiscard]] const Json* find(const char* key) const {
        const auto found = object.find(key);
        return found == object.end() ? nullptr : &*found;
    }
    [[nodiscard]] bool given(const char* key) const {
        const auto* value = find(key);
        return value != nullptr && !value->is_null();
    }
    [[nodiscard]] tl::unexpected<base::Error> refuse(const char* key, std::string why,
                                                     std::string hint = {}) const {
        return base::badInput(std::move(why), file, prefix + key, std::move(hint));
    }
    [[nodiscard]] base::Result<std::int64_t> integer(const char* key, std::int64_t low,
                                                     std::int64_t high) const {
        return named(base::jsonInteger(object, key, low, high, file));
    }
    [[nodiscard]] base::Result<std::int64_t> integerOr(const char* key, std::int64_t fallback,
                                                       std::int64_t low, std::int64_t high) const {
        if (find(key) == nullptr) return fallback;
        return integer(key, low, high);
    }
    [[nodiscard]] base::Result<double> number(const char* key, double low, double high) const {
        FAIRY2_ASSIGN(const double value, named(base::jsonNumber(object, key, file)));
        if (value < low || value > high)
            return refuse(
                key, fmt::format("the value is {}; a number from {} to {} was expected", value, low, high));
        return value;
    }
    [[nodiscard]] base::Result<bool> flag(const char* key) const {
        const auto* value = find(key);
        if (value == nullptr) return false;
        if (!value->is_boolean())
            return refuse(key,
                          fmt::format("the value is a {}; true or false was expected", value->type_name()));
        return value->get<bool>();
    }
    [[nodiscard]] base::Result<std::string> text(const char* key, const char* fallback) const {
        if (find(key) == nullptr) return std::string(fallback);
        return named(base::jsonString(object, key, file));
    }

private:
    template <typename T>
    base::Result<T> named(base::Result<T> result) const {
        if (!result) result.error().field = prefix + result.error().field;
        return result;
    }
};

std::optional<Family> familyCalled(const std::string& text, const char* (*spelling)(Family)) {
    for (const auto family : {Family::Llama, Family::Qwen3})
        if (text == spelling(family)) return family;
    return std::nullopt;
}

base::Result<std::optional<std::string>> firstArchitecture(const Reader& config) {
    if (!config.given("architectures")) return std::optional<std::string>();
    const auto& list = *config.find("architectures");
    if (!list.is_array() || list.size() != 1 || !list.front().is_string())
        return config.refuse("architectures", "an array of one name was expected");
    return std::optional(list.front().get<std::string>());
}

base::Result<Family> familyOf(const Reader& config) {
    constexpr const char* kSupported =
        "Llama and Qwen3 decoders (model_type \"llama\" or \"qwen3\") can be opened";
    FAIRY2_ASSIGN(const auto architectureName, firstArchitecture(config));
    std::optional<Family> family;
    if (config.given("model_type")) {
        FAIRY2_ASSIGN(const auto type, config.text("model_type", ""));
        family = familyCalled(type, name);
        if (!family)
            return config.refuse(
                "model_type", fmt::format("models of type '{}' are not supported", base::printable(type, 64)),
                kSupported);
    }
    if (architectureName) {
        const auto named = familyCalled(*architectureName, architecture);
        if (!named || (family && *family != *named))
            return config.refuse(
                "architectures",
                fmt::format("'{}' is not a causal language model of a supported family{}",
                            base::printable(*architectureName, 64),
                            family ? fmt::format(" and does not fit model_type '{}'", name(*family))
                                   : std::string()),
                kSupported);
        family = named;
    }
    if (!family)
        return config.refuse("model_type", "the key is missing, so the family of the model is unknown",
                             kSupported);
    return *family;
}

struct Rope {
    std::optional<double> theta;
    std::optional<Llama3RopeScaling> scaling;
};

base::Result<void> refusePartialRotary(const Reader& reader) {
    if (!reader.given("partial_rotary_factor")) return {};
    FAIRY2_ASSIGN(const double factor, reader.number("partial_rotary_factor", 0, 1));
    if (factor != 1)
        return reader.refuse("partial_rotary_factor",
                             fmt::format("rotating only {} of a head is not supported", factor));
    return {};
}

base::Result<double> readTheta(const Reader& reader) {
    return reader.number("rope_theta", 1, std::numeric_limits<float>::max());
}

base::Result<Llama3RopeScaling> readLlama3(const Reader& rope) {
    Llama3RopeScaling scaling;
    FAIRY2_ASSIGN(scaling.factor, rope.number("factor", 1, 1e6));
    FAIRY2_ASSIGN(scaling.lowFreqFactor, rope.number("low_freq_factor", 1e-6, 1e6));
    FAIRY2_ASSIGN(scaling.highFreqFactor, rope.number("high_freq_factor", 1e-6, 1e6));
    if (scaling.highFreqFactor <= scaling.lowFreqFactor)
        return rope.refuse("high_freq_factor", fmt::format("the value {} is not above low_freq_factor {}",
                                                           scaling.highFreqFactor, scaling.lowFreqFactor));
    FAIRY2_ASSIGN(scaling.originalMaxPositions,
                  rope.integer("original_max_position_embeddings", 1, kMaxPositions));
    return scaling;
}

// One rope object, in either of its two spellings: rope_scaling (transformers 4) or rope_parameters (5).
base::Result<Rope> readRope(const Reader& config, const char* key) {
    Rope result;
    if (!config.given(key)) return result;
    const auto& object = *config.find(key);
    if (!object.is_object())
        return config.refuse(key,
                             fmt::format("the value is a {}; an object was expected", object.type_name()));
    const Reader rope{object, config.file, std::string(key) + "."};
    for (const auto& [name, value] : object.items())
        if (value.is_structured())
            return rope.refuse(base::printable(name, 64).c_str(),
                               "settings for each kind of layer are not supported");
    if (rope.given("rope_theta")) {
        FAIRY2_ASSIGN(result.theta, readTheta(rope));
    }
    FAIRY2_TRY(refusePartialRotary(rope));
    const char* typeKey = rope.find("rope_type") != nullptr ? "rope_type" : "type";
    FAIRY2_ASSIGN(const auto type, rope.text(typeKey, "default"));
    FAIRY2_ASSIGN(const auto alias, rope.text("type", type.c_str()));
    if (alias != type)
        return rope.refuse("type", fmt::format("'{}' and '{}' contradict each other",
                                               base::printable(alias, 64), base::printable(type, 64)));
    if (type == "llama3") {
        FAIRY2_ASSIGN(result.scaling, readLlama3(rope));
    } else if (type != "default") {
        return rope.refuse(typeKey,
                           fmt::format("rope scaling '{}' is not supported", base::printable(type, 64)),
                           "only \"default\" and \"llama3\" are");
    }
    return result;
}

bool same(const std::optional<Llama3RopeScaling>& a, const std::optional<Llama3RopeScaling>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->factor == b->factor && a->lowFreqFactor == b->lowFreqFactor &&
           a->highFreqFactor == b->highFreqFactor && a->originalMaxPositions == b->originalMaxPositions;
}

// The versions of transformers disagree about which of two contradicting places wins, so none does here.
base::Result<void> readRopeSettings(const Reader& config, ModelSpec& spec) {
    FAIRY2_TRY(refusePartialRotary(config));
    FAIRY2_ASSIGN(const auto old, readRope(config, "rope_scaling"));
    FAIRY2_ASSIGN(const auto current, readRope(config, "rope_parameters"));
    if (config.given("rope_scaling") && config.given("rope_parameters") &&
        !same(old.scaling, current.scaling))
        return config.refuse("rope_parameters", "it contradicts rope_scaling");
    spec.ropeScaling = config.given("rope_scaling") ? old.scaling : current.scaling;

    std::optional<double> theta;
    if (config.given("rope_theta")) {
        FAIRY2_ASSIGN(theta, readTheta(config));
    }
    for (const auto& [key, inside] : {std::pair{"rope_scaling.rope_theta", old.theta},
                                      std::pair{"rope_parameters.rope_theta", current.theta}}) {
        if (inside && theta && *inside != *theta)
            return config.refuse(key, fmt::format("the values {} and {} of rope_theta contradict each other",
                                                  *inside, *theta));
        if (inside) theta = inside;
    }
    spec.ropeTheta = theta.value_or(spec.ropeTheta);
    return {};
}

base::Result<std::vector<std::int64_t>> readIds(const Reader& config, const char* key,
                                                std::int64_t vocabulary) {
    const auto& value = *config.find(key);
    const auto list = value.is_array() ? value : Json::array({value});
    if (list.size() > kMaxIds) return config.refuse(key, fmt::format("there are more than {} ids", kMaxIds));
    std::vector<std::int64_t> ids;
    for (const auto& entry : list) {
        if (!entry.is_number_integer())
            return config.refuse(key,
                                 fmt::format("it holds a {}; token ids were expected", entry.type_name()));
        const bool inside =
            entry.is_number_unsigned() && entry.get<std::uint64_t>() < static_cast<std::uint64_t>(vocabulary);
        if (!inside) continue;
        const auto id = entry.get<std::int64_t>();
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
    return ids;
}

base::Result<void> readTokenIds(const Reader& config, ModelSpec& spec) {
    if (config.find("eos_token_id") != nullptr) {
        spec.eosIds.clear();
        if (config.given("eos_token_id")) {
            FAIRY2_ASSIGN(spec.eosIds, readIds(config, "eos_token_id", spec.vocabSize));
        }
    }
    if (config.find("bos_token_id") != nullptr) {
        spec.bosId.reset();
        if (config.given("bos_token_id")) {
            FAIRY2_ASSIGN(const auto ids, readIds(config, "bos_token_id", spec.vocabSize));
            if (!ids.empty()) spec.bosId = ids.front();
        }
    }
    return {};
}

base::Result<void> refuseWhatDiffers(const Reader& config, const ModelSpec& spec) {
    FAIRY2_ASSIGN(const auto activation, config.text("hidden_act", "silu"));
    if (activation != "silu" && activation != "swish")
        return config.refuse(
            "hidden_act",
            fmt::format("the activation '{}' is not supported", base::printable(activation, 64)),
            "only \"silu\" is");
    for (const char* key : {"attention_bias", "mlp_bias"}) {
        FAIRY2_ASSIGN(const bool bias, config.flag(key));
        if (bias) return config.refuse(key, "linear layers with a bias are not supported");
    }
    if (spec.family != Family::Qwen3) return {};
    FAIRY2_ASSIGN(const bool sliding, config.flag("use_sliding_window"));
    if (sliding)
        return config.refuse("use_sliding_window", "attention over a sliding window is not supported");
    if (!config.given("layer_types")) return {};
    const auto& types = *config.find("layer_types");
    if (!types.is_array() || static_cast<std::int64_t>(types.size()) != spec.layers)
        return config.refuse("layer_types",
                             fmt::format("an array of {} entries, one a layer, was expected", spec.layers));
    for (const auto& type : types)
        if (type != "full_attention")
            return config.refuse("layer_types",
                                 fmt::format("layers of type {} are not supported",
                                             base::printable(type.dump(-1, ' ', true), 64)),
                                 "only \"full_attention\" is");
    return {};
}

base::Result<void> readShape(const Reader& config, ModelSpec& spec) {
    const auto defaults = defaultsOf(spec.family);
    FAIRY2_ASSIGN(spec.vocabSize, config.integer("vocab_size", 1, kMaxVocabulary));
    FAIRY2_ASSIGN(spec.hiddenSize, config.integer("hidden_size", 1, kMaxDimension));
    FAIRY2_ASSIGN(spec.layers, config.integer("num_hidden_layers", 1, kMaxLayers));
    FAIRY2_ASSIGN(spec.heads, config.integer("num_attention_heads", 1, kMaxHeads));
    FAIRY2_ASSIGN(spec.intermediateSize,
                  config.integerOr("intermediate_size", defaults.intermediateSize, 1, kMaxDimension));
    FAIRY2_ASSIGN(spec.maxPositions,
                  config.integerOr("max_position_embeddings", defaults.maxPositions, 1, kMaxPositions));

    const bool kvGiven = config.find("num_key_value_heads") != nullptr;
    spec.kvHeads = kvGiven ? spec.heads : defaults.kvHeads.value_or(spec.heads);
    if (config.given("num_key_value_heads")) {
        FAIRY2_ASSIGN(spec.kvHeads, config.integer("num_key_value_heads", 1, kMaxHeads));
    }
    if (spec.heads % spec.kvHeads != 0)
        return config.refuse("num_key_value_heads",
                             fmt::format("{}{} does not divide num_attention_heads {}",
                                         kvGiven ? "" : "the default of ", spec.kvHeads, spec.heads));

    // transformers refuses such a Llama even when head_dim is given.
    if (spec.family == Family::Llama && spec.hiddenSize % spec.heads != 0)
        return config.refuse("num_attention_heads",
                             fmt::format("{} does not divide hidden_size {}", spec.heads, spec.hiddenSize));
    spec.headDim = defaults.headDim.value_or(spec.hiddenSize / spec.heads);
    const bool headDimGiven =
        spec.family == Family::Llama ? config.given("head_dim") : config.find("head_dim") != nullptr;
    if (headDimGiven) {
        FAIRY2_ASSIGN(spec.headDim, config.integer("head_dim", 1, kMaxHeadDim));
    }
    if (spec.headDim % 2 != 0)
        return config.refuse("head_dim",
                             fmt::format("{} is odd; rotary embedding needs pairs", spec.headDim));
    return {};
}

} // namespace

const char* name(Family family) noexcept {
    return family == Family::Llama ? "llama" : "qwen3";
}

const char* architecture(Family family) noexcept {
    return family == Family::Llama ? "LlamaForCausalLM" : "Qwen3ForCausalLM";
}

base::Result<ModelSpec> parseSpec(const Json& json, const std::string& file) {
    if (!json.is_object()) return base::badInput("a JSON object was expected", file);
    const Reader config{json, file, {}};
    ModelSpec spec;
    FAIRY2_ASSIGN(spec.family, familyOf(config));
    spec.qkNorm = spec.family == Family::Qwen3;
    FAIRY2_TRY(readShape(config, spec));
    FAIRY2_TRY(refuseWhatDiffers(config, spec));
    if (config.find("rms_norm_eps") != nullptr) {
        FAIRY2_ASSIGN(spec.rmsEps, config.number("rms_norm_eps", 1e-12, 1));
    }
    FAIRY2_ASSIGN(spec.tiedEmbeddings, config.flag("tie_word_embeddings"));
    FAIRY2_TRY(readRopeSettings(config, spec));
    const auto defaults = defaultsOf(spec.family);
    spec.eosIds = defaults.eosIds;
    spec.bosId = defaults.bosId;
    FAIRY2_TRY(readTokenIds(config, spec));
    return spec;
}

base::Result<void> applyGenerationConfig(ModelSpec& spec, const Json& json, const std::string& file) {
    if (!json.is_object()) return base::badInput("a JSON object was expected", file);
    return readTokenIds({json, file, {}}, spec);
}

std::vector<TensorSlot> tensorSlots(const ModelSpec& spec) {
    const auto hidden = spec.hiddenSize;
    const auto queries = spec.heads * spec.headDim;
    const auto keys = spec.kvHeads * spec.headDim;
    std::vector<TensorSlot> slots;
    slots.push_back({"model.embed_tokens.weight", {spec.vocabSize, hidden}, false});
    for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
        const auto add = [&](const char* part, std::vector<std::int64_t> shape, bool linear) {
            slots.push_back(
                {fmt::format("model.layers.{}.{}.weight", layer, part), std::move(shape), linear});
        };
        add("self_attn.q_proj", {queries, hidden}, true);
        add("self_attn.k_proj", {keys, hidden}, true);
        add("self_attn.v_proj", {keys, hidden}, true);
        add("self_attn.o_proj", {hidden, queries}, true);
        if (spec.qkNorm) {
            add("self_attn.q_norm", {spec.headDim}, false);
            add("self_attn.k_norm", {spec.headDim}, false);
        }
        add("mlp.gate_proj", {spec.intermediateSize, hidden}, true);
        add("mlp.up_proj", {spec.intermediateSize, hidden}, true);
        add("mlp.down_proj", {hidden, spec.intermediateSize}, true);
        add("input_layernorm", {hidden}, false);
        add("post_attention_layernorm", {hidden}, false);
    }
    slots.push_back({"model.norm.weight", {hidden}, false});
    if (!spec.tiedEmbeddings) slots.push_back({"lm_head.weight", {spec.vocabSize, hidden}, true});
    return slots;
}

std::int64_t ModelSpec::parameters() const noexcept {
    const auto queries = heads * headDim;
    const auto keys = kvHeads * headDim;
    const auto attention = 2 * hiddenSize * (queries + keys) + (qkNorm ? 2 * headDim : 0);
    const auto layer = attention + 3 * hiddenSize * intermediateSize + 2 * hiddenSize;
    return (tiedEmbeddings ? 1 : 2) * vocabSize * hiddenSize + layers * layer + hiddenSize;
}

Json ModelSpec::toJson() const {
    Json scaling;
    if (ropeScaling)
        scaling = {{"type", "llama3"},
                   {"factor", ropeScaling->factor},
                   {"low_freq_factor", ropeScaling->lowFreqFactor},
                   {"high_freq_factor", ropeScaling->highFreqFactor},
                   {"original_max_positions", ropeScaling->originalMaxPositions}};
    return {{"family", name(family)},
            {"vocab_size", vocabSize},
            {"hidden_size", hiddenSize},
            {"intermediate_size", intermediateSize},
            {"layers", layers},
            {"heads", heads},
            {"kv_heads", kvHeads},
            {"head_dim", headDim},
            {"max_positions", maxPositions},
            {"rms_eps", rmsEps},
            {"rope_theta", ropeTheta},
            {"rope_scaling", scaling},
            {"tied_embeddings", tiedEmbeddings},
            {"qk_norm", qkNorm},
            {"eos_ids", eosIds},
            {"bos_id", bosId ? Json(*bosId) : Json()}};
}

std::vector<double> ropeInverseFrequencies(const ModelSpec& spec) {
    std::vector<double> frequencies(static_cast<std::size_t>(spec.headDim / 2));
    for (std::size_t i = 0; i < frequencies.size(); ++i)
        frequencies[i] =
            std::pow(spec.ropeTheta, -2.0 * static_cast<double>(i) / static_cast<double>(spec.headDim));
    if (!spec.ropeScaling) return frequencies;

    // Long waves are stretched by the factor, short ones stay, those between are blended.
    const auto& scaling = *spec.ropeScaling;
    const auto context = static_cast<double>(scaling.originalMaxPositions);
    for (auto& frequency : frequencies) {
        const double wavelength = 2 * std::numbers::pi / frequency;
        const double blend =
            (context / wavelength - scaling.lowFreqFactor) / (scaling.highFreqFactor - scaling.lowFreqFactor);
        const double keep = std::clamp(blend, 0.0, 1.0);
        frequency *= (1 - keep) / scaling.factor + keep;
    }
    return frequencies;
}

} // namespace fairy2::models
