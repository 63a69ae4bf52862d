// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/checkpoint.h"

namespace fairy2::models {

/// What an export of the model as a packed file would write in W1, W2 and W3 with tensor scales, head and the
/// rest as they are stored. Empty for weights that are quantised already.
struct ModeSize {
    int stages = 0;
    std::int64_t quantizedLinears = 0;
    double bitsPerWeight = 0; ///< over the stored linears, scales included
    std::uint64_t bytes = 0;  ///< of all tensors
};
[[nodiscard]] std::vector<ModeSize> modeSizes(const Checkpoint& model);

/// Which tokenizer a model folder brings, without loading it.
struct TokenizerFound {
    base::Path file; ///< empty when there is none
    std::string
        kind; ///< "BPE", "Unigram", "WordPiece" or "WordLevel"; "SentencePiece" and "unknown" cannot be read
    [[nodiscard]] bool present() const noexcept { return !file.empty(); }
};
[[nodiscard]] TokenizerFound findTokenizer(const base::Path& folder);

/// The document of `fairy2 inspect --json`; `modes` holds the modeSizes().
/// Reads headers only.
[[nodiscard]] base::Json inspect(const Checkpoint& model);

} // namespace fairy2::models
