// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"

namespace fairy2::models {

/// What a model would take as a packed file, from the shapes alone: codes and scales of the quantised linears
/// and the rest in BF16.
struct Footprint {
    int stages = 0;
    std::int64_t quantizedLinears = 0;
    double bitsPerWeight = 0; ///< over the quantised linears, scales included
    std::uint64_t bytes = 0;  ///< of all tensors
};
[[nodiscard]] Footprint footprint(const ModelSpec& spec, const quant::ModelRecipe& recipe);

/// Which tokenizer a model folder brings, without loading it.
struct TokenizerFound {
    base::Path file; ///< empty when there is none
    std::string
        kind; ///< "BPE", "Unigram", "WordPiece" or "WordLevel"; "SentencePiece" and "unknown" cannot be read
    [[nodiscard]] bool present() const noexcept { return !file.empty(); }
};
[[nodiscard]] TokenizerFound findTokenizer(const base::Path& folder);

/// The document of `fairy2 inspect --json`; `modes` holds the footprints of W1, W2 and W3 with tensor scales.
/// Reads headers only.
[[nodiscard]] base::Json inspect(const Checkpoint& model);

} // namespace fairy2::models
