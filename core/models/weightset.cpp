// SPDX-License-Identifier: Apache-2.0
#include "models/weightset.h"

#include "base/json.h"
#include "base/printable.h"
#include "models/location.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <map>
#include <sys/stat.h>

namespace fairy2::models {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr base::JsonLimits kIndexLimits{std::size_t{4} << 20U, 8};

bool isFile(const base::Path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error);
}

bool isShardName(std::string_view name) {
    return name.size() > std::string_view(".safetensors").size() && name.size() <= 255 &&
           name.ends_with(".safetensors") && name.front() != '.' &&
           name.find_first_of("/\\:") == std::string_view::npos && base::printable(name, 255) == name;
}

// Shard → names of its tensors.
using ShardList = std::map<std::string, std::vector<std::string>>;

base::Result<ShardList> readIndex(const base::Path& path) {
    FAIRY2_ASSIGN(const auto index, base::readJson(path, kIndexLimits));
    const auto file = path.string();
    const auto map = index.is_object() ? index.find("weight_map") : index.end();
    if (map == index.end() || !map->is_object() || map->empty())
        return base::badInput("an object with the shard of each tensor was expected", file, "weight_map");
    ShardList shards;
    for (const auto& [tensor, shard] : map->items()) {
        const auto name = shard.is_string() ? shard.get<std::string>() : std::string();
        if (!isShardName(name))
            return base::badInput(
                fmt::format("'{}' is not the name of a .safetensors file in the same folder",
                            base::printable(shard.dump(-1, ' ', true), 64)),
                file, base::printable(tensor));
        shards[name].push_back(tensor);
    }
    return shards;
}

// Says what is in the folder instead of weights, because that tells the user what to do.
base::Error noWeights(const base::Path& folder) {
    base::Error error{base::ErrorCode::NotFound,
                      fmt::format("the folder holds neither {} nor {}", kSingle, kIndex),
                      folder.string(),
                      {},
                      "the download may be incomplete: fetch the model again"};
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
        if (!isFile(entry->path())) continue;
        if (const auto pickle = refusePickle(entry->path()); !pickle) return pickle.error();
        if (entry->path().extension() == ".gguf")
            error.hint = "GGUF files cannot be opened: fetch the original model";
    }
    return error;
}

} // namespace

bool isDerivedTensor(std::string_view name) noexcept {
    return name.ends_with(".rotary_emb.inv_freq");
}

base::Result<void> WeightSet::add(const base::Path& path) {
    FAIRY2_TRY(refusePickle(path));
    FAIRY2_ASSIGN(auto file, tensors::SafetensorsFile::open(path));
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return tl::unexpected(base::systemError("examine", path, errno));
    m_identities.push_back({info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size)});
    for (const auto& tensor : file.tensors())
        m_entries.push_back({m_files.size(), tensor});
    m_files.push_back(std::move(file));
    return {};
}

base::Result<void> WeightSet::buildIndex() {
    m_index.reserve(m_entries.size());
    for (std::size_t i = 0; i < m_entries.size(); ++i) {
        const auto& entry = m_entries[i];
        if (!m_index.emplace(entry.info.name, i).second)
            return base::badInput("the tensor is in two shards", fileOf(entry).string(),
                                  base::printable(entry.info.name));
    }
    return {};
}

base::Result<WeightSet> WeightSet::openFile(const base::Path& file) {
    WeightSet set;
    set.m_listing = file;
    FAIRY2_TRY(set.add(file));
    FAIRY2_TRY(set.buildIndex());
    return set;
}

base::Result<WeightSet> WeightSet::open(const base::Path& folder) {
    WeightSet set;
    ShardList shards;
    // As transformers does, a whole file wins over an index beside it.
    if (isFile(folder / kSingle)) {
        set.m_listing = folder / kSingle;
        FAIRY2_TRY(set.add(set.m_listing));
    } else if (isFile(folder / kIndex)) {
        set.m_listing = folder / kIndex;
        FAIRY2_ASSIGN(shards, readIndex(set.m_listing));
        for (const auto& [shard, names] : shards)
            FAIRY2_TRY(set.add(folder / shard));
    } else {
        return tl::unexpected(noWeights(folder));
    }

    FAIRY2_TRY(set.buildIndex());
    std::size_t listed = 0;
    for (const auto& [shard, names] : shards) {
        for (const auto& name : names) {
            const auto* entry = set.find(name);
            if (entry == nullptr || set.fileOf(*entry).filename() != shard)
                return base::badInput(
                    fmt::format("the index lists this tensor in '{}', which does not hold it", shard),
                    set.m_listing.string(), base::printable(name));
        }
        listed += names.size();
    }
    if (shards.empty() || listed == set.m_entries.size()) return set;
    for (const auto& entry : set.m_entries) {
        const auto& names = shards[set.fileOf(entry).filename().string()];
        if (std::find(names.begin(), names.end(), entry.info.name) == names.end() &&
            !isDerivedTensor(entry.info.name))
            return base::badInput("the shard holds a tensor that the index does not list",
                                  set.fileOf(entry).string(), base::printable(entry.info.name));
    }
    return set;
}

const WeightSet::Entry* WeightSet::find(std::string_view name) const noexcept {
    const auto found = m_index.find(name);
    return found == m_index.end() ? nullptr : &m_entries[found->second];
}

bool WeightSet::holdsFile(const base::Path& name) const {
    return std::any_of(m_files.begin(), m_files.end(),
                       [&](const auto& file) { return file.path().filename() == name; });
}

base::Result<std::span<const std::byte>> WeightSet::bytes(const Entry& entry) const {
    const auto& file = m_files[entry.file];
    const auto& known = m_identities[entry.file];
    struct stat info {};
    const bool same =
        ::stat(file.path().c_str(), &info) == 0 && info.st_dev == known.device && info.st_ino == known.inode;
    if (same && static_cast<std::uint64_t>(info.st_size) < known.size)
        return base::badInput("the file was cut short while it was open", file.path().string(),
                              base::printable(entry.info.name), "open the model again");
    return file.bytes(entry.info);
}

} // namespace fairy2::models
