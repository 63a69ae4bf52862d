// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infer/transformer.h"
#include "text/tokenizer.h"

#include <functional>

namespace fairy2::infer {

struct GenerateOptions {
    int maxTokens = 128;
    double temperature = 0; ///< 0 = greedy
    std::uint64_t seed = 1; ///< same seed, same text; ignored when greedy
    bool stopAtEos = true;
};

/// Why a text ended.
enum class Stop {
    Length,  ///< maxTokens reached
    Eos,     ///< the model ended it; the end token is not part of the ids
    Context, ///< the model has no further positions
};
[[nodiscard]] const char* name(Stop stop) noexcept; ///< "length", "eos", "context"

struct Generation {
    std::vector<std::int32_t> ids; ///< the continuation only
    std::string text;              ///< its decoding, joined to the prompt without a lost space
    std::int64_t promptTokens = 0; ///< BOS included
    double promptSeconds = 0;
    double seconds = 0; ///< of decoding, the prompt not counted
    Stop stop = Stop::Length;

    [[nodiscard]] double tokensPerSecond() const noexcept;
};

/// Continues a prompt. An empty prompt starts at BOS. `onText` gets each piece as soon as it is whole
/// characters; the pieces joined are `text`. Errors: a tokenizer that does not fit the model, a prompt longer
/// than its context, logits that are not finite; Cancelled between two tokens.
[[nodiscard]] base::Result<Generation> generate(const Transformer& model, const text::Tokenizer& tokenizer,
                                                const std::string& prompt, const GenerateOptions& options,
                                                const base::Task& task = {},
                                                const std::function<void(const std::string&)>& onText = {});

/// The id that greedy (temperature 0) or seeded sampling takes from logits; `place` counts the draws of one
/// seed, so a draw depends on nothing but seed, place and logits. Error: logits that are not finite.
[[nodiscard]] base::Result<std::int32_t> sample(std::span<const float> logits, double temperature,
                                                std::uint64_t seed, std::uint64_t place);

} // namespace fairy2::infer
