// SPDX-License-Identifier: Apache-2.0
#include "infer/generate.h"

#include "base/clock.h"
#include "infer/kernels.h"
#include "text/streamdecoder.h"

#include <algorithm>
#include <cmath>

namespace fairy2::infer {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014) as a function of seed and place: 53 random bits in [0, 1).
double uniform(std::uint64_t seed, std::uint64_t place) {
    std::uint64_t z = seed * 0xd1342543de82ef95U + (place + 1) * 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    z ^= z >> 31U;
    return static_cast<double>(z >> 11U) * 0x1p-53;
}

base::Result<std::vector<std::int32_t>> promptIds(const Transformer& model, const text::Tokenizer& tokenizer,
                                                  const std::string& prompt) {
    FAIRY2_ASSIGN(auto ids, tokenizer.encode(prompt, true));
    if (!ids.empty()) return ids;
    if (!model.spec().bosId)
        return base::badInput("an empty prompt needs a BOS token and this model has none", {}, "bos_token_id",
                              "give a prompt of at least one character");
    return std::vector<std::int32_t>{static_cast<std::int32_t>(*model.spec().bosId)};
}

} // namespace

const char* name(Stop stop) noexcept {
    switch (stop) {
    case Stop::Length:
        return "length";
    case Stop::Eos:
        return "eos";
    case Stop::Context:
        return "context";
    }
    return "";
}

double Generation::tokensPerSecond() const noexcept {
    return seconds > 0 ? static_cast<double>(ids.size()) / seconds : 0;
}

base::Result<std::int32_t> sample(std::span<const float> logits, double temperature, std::uint64_t seed,
                                  std::uint64_t place) {
    if (!std::all_of(logits.begin(), logits.end(), [](float value) { return std::isfinite(value); }))
        return base::fail(base::ErrorCode::Failed, "the model's logits are not finite", {}, {},
                          "its weights or activations overflow fp32");
    const auto largest = std::max_element(logits.begin(), logits.end()) - logits.begin();
    if (temperature <= 0) return static_cast<std::int32_t>(largest);
    std::vector<float> shares(logits.begin(), logits.end());
    softmax(shares.data(), static_cast<std::int64_t>(shares.size()), static_cast<float>(1 / temperature));
    double total = 0;
    for (const float share : shares)
        total += static_cast<double>(share);
    const double mark = uniform(seed, place) * total;
    double reached = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        reached += static_cast<double>(shares[i]);
        if (mark < reached) return static_cast<std::int32_t>(i);
    }
    return static_cast<std::int32_t>(largest);
}

base::Result<Generation> generate(const Transformer& model, const text::Tokenizer& tokenizer,
                                  const std::string& prompt, const GenerateOptions& options,
                                  const base::Task& task,
                                  const std::function<void(const std::string&)>& onText) {
    FAIRY2_ASSIGN(const auto ids, promptIds(model, tokenizer, prompt));
    FAIRY2_ASSIGN(auto decoder, text::StreamDecoder::create(tokenizer, ids));
    Generation result;
    result.promptTokens = static_cast<std::int64_t>(ids.size());
    const auto give = [&](const std::string& piece) {
        result.text += piece;
        if (onText && !piece.empty()) onText(piece);
    };

    const auto cache = model.makeCache();
    double started = base::steadyTime();
    FAIRY2_ASSIGN(auto logits, model.step(ids, *cache));
    result.promptSeconds = base::steadyTime() - started;
    started = base::steadyTime();
    const auto& eos = model.spec().eosIds;
    for (int i = 0; i < options.maxTokens; ++i) {
        if (task.cancelled()) return base::cancelled();
        FAIRY2_ASSIGN(const auto next,
                      sample(logits, options.temperature, options.seed, static_cast<std::uint64_t>(i)));
        if (options.stopAtEos && std::find(eos.begin(), eos.end(), next) != eos.end()) {
            result.stop = Stop::Eos;
            break;
        }
        result.ids.push_back(next);
        FAIRY2_ASSIGN(const auto piece, decoder.push(next));
        give(piece);
        task.progress(i + 1, options.maxTokens, "generating");
        if (i + 1 == options.maxTokens) break;
        if (result.promptTokens + i + 1 > model.spec().maxPositions) {
            result.stop = Stop::Context;
            break;
        }
        FAIRY2_ASSIGN(logits, model.step(std::span(&next, 1), *cache));
    }
    FAIRY2_ASSIGN(const auto rest, decoder.finish());
    give(rest);
    result.seconds = base::steadyTime() - started;
    return result;
}

} // namespace fairy2::infer
