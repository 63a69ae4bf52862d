// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <string>

namespace fairy2::text {

/// The tokenizer.json that transformers would make of a folder with vocab.json and merges.txt: byte-level BPE
/// of GPT-2 or Qwen, told apart by tokenizer_config.json (`tokenizer_class`) or config.json (`model_type`);
/// added tokens, `add_prefix_space`, `add_bos_token` and `add_eos_token` come from tokenizer_config.json.
[[nodiscard]] base::Result<std::string> composeFromVocabulary(const base::Path& folder);

} // namespace fairy2::text
