// SPDX-License-Identifier: Apache-2.0
#include "models/checkpoint.h"

#include "models/densecheckpoint.h"
#include "pack/packedcheckpoint.h"

#include <string_view>
#include <unordered_map>

namespace fairy2::models {

const char* name(CheckpointKind kind) noexcept {
    switch (kind) {
    case CheckpointKind::HuggingFace:
        return "huggingface";
    case CheckpointKind::Master:
        return "master";
    case CheckpointKind::Baked:
        return "baked";
    case CheckpointKind::Packed:
        return "packed";
    }
    return "huggingface";
}

base::Result<std::shared_ptr<const Checkpoint>> Checkpoint::open(const std::string& pathOrName) {
    FAIRY2_ASSIGN(const auto location, locateModel(pathOrName));
    FAIRY2_ASSIGN(auto folder, readModelFolder(location.folder));
    if (folder.kind == CheckpointKind::Packed) return pack::openPacked(std::move(folder), location);
    return openDense(std::move(folder), location);
}

std::uint64_t Checkpoint::storedBytes() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& tensor : m_tensors)
        sum += tensor.bytes;
    return sum;
}

double Checkpoint::storedBitsPerWeight() const noexcept {
    // A linear is stored as NAME.weight, or as NAME.codes and the like; a tied head is not stored at all.
    std::unordered_map<std::string_view, std::uint64_t> bytesOf;
    for (const auto& linear : m_linears)
        bytesOf.emplace(linear.name, 0);
    for (const auto& tensor : m_tensors) {
        std::string_view owner = tensor.name;
        for (auto dot = owner.rfind('.'); dot != std::string_view::npos; dot = owner.rfind('.')) {
            owner = owner.substr(0, dot);
            const auto found = bytesOf.find(owner);
            if (found == bytesOf.end()) continue;
            found->second += tensor.bytes;
            break;
        }
    }
    double bits = 0;
    double weights = 0;
    for (const auto& linear : m_linears) {
        const auto bytes = bytesOf[linear.name];
        if (bytes == 0) continue;
        bits += 8.0 * static_cast<double>(bytes);
        weights += static_cast<double>(linear.rows) * static_cast<double>(linear.cols);
    }
    return weights > 0 ? bits / weights : 0;
}

} // namespace fairy2::models
