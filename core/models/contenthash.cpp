// SPDX-License-Identifier: Apache-2.0
#include "models/contenthash.h"

#include "base/hash.h"
#include "base/threads.h"

#include <fmt/format.h>

namespace fairy2::models {

std::string contentHash(const ModelSpec& spec, CheckpointKind kind, const quant::ModelRecipe& recipe,
                        const std::vector<HashedTensor>& tensors) {
    std::vector<std::string> lines(tensors.size());
    base::parallelFor(static_cast<std::int64_t>(tensors.size()), [&](std::int64_t i) {
        const auto& tensor = tensors[static_cast<std::size_t>(i)];
        base::Sha256 hash;
        hash.update(tensor.bytes);
        lines[static_cast<std::size_t>(i)] = fmt::format("{} {} [{}] {}\n", tensor.name, name(tensor.type),
                                                         fmt::join(tensor.shape, ", "), hash.hex());
    });
    auto fields = spec.toJson();
    for (const char* key : {"eos_ids", "bos_id", "max_positions"})
        fields.erase(key);
    base::Sha256 hash;
    hash.update("fairy2 model 1\n" + fields.dump() + '\n');
    if (kind != CheckpointKind::HuggingFace)
        hash.update(std::string(name(kind)) + ' ' + recipe.toJson().dump() + '\n');
    for (const auto& line : lines)
        hash.update(line);
    return hash.hex();
}

} // namespace fairy2::models
