// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infer/transformer.h"
#include "text/tokenizer.h"

#include <functional>

namespace fairy2::infer {

struct GenerateOptions {
    int maxTokens = 128;
    double temperature = 0; ///< 0 = greedy
    std::uint64_t seed = 1;
    bool stopAtEos = true;
};

struct Generation {
    std::vector<std::int32_t> ids; ///< the continuation only
    std::string text;              ///< its decoding, joined to the prompt without a lost space
    double seconds = 0;            ///< of decoding, the prompt not counted
};

/// Continues a prompt. An empty prompt starts at BOS. `onText` gets each piece as soon as it is whole
/// characters.
[[nodiscard]] base::Result<Generation> generate(const Transformer& model, const text::Tokenizer& tokenizer,
                                                const std::string& prompt, const GenerateOptions& options,
                                                const base::Task& task = {},
                                                const std::function<void(const std::string&)>& onText = {});

} // namespace fairy2::infer
