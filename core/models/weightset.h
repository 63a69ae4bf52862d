// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensors/safetensors.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fairy2::models {

/// The safetensors files of a model folder: model.safetensors, or else the shards that
/// model.safetensors.index.json lists. Every tensor of the index is in the shard it names, and no shard holds
/// one that the index does not name.
class WeightSet {
public:
    [[nodiscard]] static base::Result<WeightSet> open(const base::Path& folder);
    /// Exactly this one file.
    [[nodiscard]] static base::Result<WeightSet> openFile(const base::Path& file);
    WeightSet(WeightSet&&) = default;
    WeightSet& operator=(WeightSet&&) = default;

    /// Tensors in file order, over all shards.
    struct Entry {
        std::size_t file = 0;
        tensors::TensorInfo info;
    };
    [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return m_entries; }
    [[nodiscard]] const Entry* find(std::string_view name) const noexcept;
    [[nodiscard]] const base::Path& fileOf(const Entry& entry) const noexcept {
        return m_files[entry.file].path();
    }
    /// Whether a file of this name is one of the set.
    [[nodiscard]] bool holdsFile(const base::Path& name) const;
    /// The whole index or single file, for errors that concern no one shard.
    [[nodiscard]] const base::Path& listing() const noexcept { return m_listing; }

    /// The bytes of a tensor, after checking that nobody has cut the mapped file short meanwhile: reading
    /// past the end of a mapped file would end the process.
    [[nodiscard]] base::Result<std::span<const std::byte>> bytes(const Entry& entry) const;

private:
    WeightSet() = default;
    struct Identity {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::uint64_t size = 0;
    };
    base::Result<void> add(const base::Path& path);
    base::Result<void> buildIndex();
    base::Path m_listing;
    std::vector<tensors::SafetensorsFile> m_files;
    std::vector<Identity> m_identities;
    std::vector<Entry> m_entries;
    std::unordered_map<std::string_view, std::size_t> m_index; ///< keys are the names in m_entries
};

/// Tensors that old checkpoints carry although they follow from config.json (rotary inverse frequencies).
[[nodiscard]] bool isDerivedTensor(std::string_view name) noexcept;

} // namespace fairy2::models
