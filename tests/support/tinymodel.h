// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/spec.h"
#include "tensors/safetensors.h"
#include "testdata.h"

#include <cmath>
#include <fstream>
#include <functional>

namespace fairy2::tests {

/// A Llama of a few thousand weights, tied; change keys before writing it.
inline base::Json tinyConfig() {
    return {{"model_type", "llama"},    {"vocab_size", 24},           {"hidden_size", 16},
            {"intermediate_size", 20},  {"num_hidden_layers", 2},     {"num_attention_heads", 4},
            {"num_key_value_heads", 2}, {"tie_word_embeddings", true}};
}

/// A tensor about to be written: its values may be changed, its declaration too.
struct TinyTensor {
    tensors::SafetensorsWriter::Declaration declaration;
    std::vector<std::byte> bytes;
};

/// fp32 tensors of the model that the config describes, with values that differ from tensor to tensor.
inline std::vector<TinyTensor> tinyTensors(const base::Json& config) {
    std::vector<TinyTensor> result;
    float phase = 0;
    for (const auto& slot : models::tensorSlots(models::parseSpec(config, "config.json").value())) {
        std::int64_t count = 1;
        for (const auto dimension : slot.shape)
            count *= dimension;
        std::vector<float> values(static_cast<std::size_t>(count));
        for (auto& value : values)
            value = 0.1F * std::sin(phase += 0.7F);
        const auto bytes = std::as_bytes(std::span(values));
        result.push_back({{slot.name, tensors::DType::F32, slot.shape}, {bytes.begin(), bytes.end()}});
    }
    return result;
}

inline base::Result<void> writeTensors(const base::Path& file, const std::vector<TinyTensor>& list) {
    std::vector<tensors::SafetensorsWriter::Declaration> declarations;
    for (const auto& tensor : list)
        declarations.push_back(tensor.declaration);
    FAIRY2_ASSIGN(auto writer, tensors::SafetensorsWriter::create(file, declarations, {{"format", "pt"}}));
    for (const auto& tensor : list)
        FAIRY2_TRY(writer.write(tensor.bytes));
    return writer.finish();
}

inline void writeText(const base::Path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

/// config.json and model.safetensors in `folder`; `edit` may spoil the tensors first.
inline base::Result<void> writeTinyModel(const base::Path& folder, const base::Json& config = tinyConfig(),
                                         const std::function<void(std::vector<TinyTensor>&)>& edit = {}) {
    writeText(folder / "config.json", config.dump(2));
    auto list = tinyTensors(config);
    if (edit) edit(list);
    return writeTensors(folder / "model.safetensors", list);
}

} // namespace fairy2::tests
