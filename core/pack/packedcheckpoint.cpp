// SPDX-License-Identifier: Apache-2.0
#include "pack/packedcheckpoint.h"

#include "base/hash.h"
#include "base/printable.h"
#include "models/contenthash.h"
#include "models/weightset.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace fairy2::pack {
namespace {

using models::WeightSet;

constexpr const char* kDamaged = "the file is damaged or was changed: export it again";
constexpr std::string_view kWeight = ".weight";
constexpr const char* kHead = "lm_head.weight";
constexpr const char* kEmbedding = "model.embed_tokens.weight";

struct Expected {
    std::string name;
    tensors::DType type; ///< of codes and scales; dense tensors may have any float type
    std::vector<std::int64_t> shape;
    bool dense;
};

// What a packed file of this model and recipe holds.
std::vector<Expected> expectedTensors(const models::ModelSpec& spec, const std::vector<PackedSlot>& packed) {
    std::vector<Expected> list;
    std::unordered_map<std::string, bool> isPacked;
    for (const auto& slot : packed) {
        const auto& shape = slot.shape;
        isPacked[slot.layer + std::string(kWeight)] = true;
        list.push_back({codesName(slot.layer),
                        tensors::DType::U8,
                        {static_cast<std::int64_t>(shape.codeBytes())},
                        false});
        list.push_back({scalesName(slot.layer), shape.scaleType(), {shape.stages, 4, shape.groups()}, false});
    }
    for (const auto& slot : models::tensorSlots(spec))
        if (!isPacked.contains(slot.name)) list.push_back({slot.name, tensors::DType::F32, slot.shape, true});
    return list;
}

base::Result<void> checkTensors(const std::vector<Expected>& expected, const WeightSet& weights) {
    for (const auto& each : expected) {
        const auto* entry = weights.find(each.name);
        if (entry == nullptr)
            return base::badInput("the tensor is missing", weights.listing().string(), each.name, kDamaged);
        const auto& info = entry->info;
        const bool typeFits = each.dense ? tensors::isFloat(info.dtype) : info.dtype == each.type;
        if (typeFits && info.shape == each.shape) continue;
        return base::badInput(fmt::format("it is {} [{}]; config.json and the recipe make it {} [{}]",
                                          name(info.dtype), fmt::join(info.shape, ", "),
                                          each.dense ? "a float type" : name(each.type),
                                          fmt::join(each.shape, ", ")),
                              weights.fileOf(*entry).string(), each.name, kDamaged);
    }
    if (expected.size() == weights.entries().size()) return {};
    const auto stranger =
        std::find_if(weights.entries().begin(), weights.entries().end(), [&](const WeightSet::Entry& entry) {
            return std::none_of(expected.begin(), expected.end(),
                                [&](const Expected& each) { return each.name == entry.info.name; });
        });
    return base::badInput("the tensor does not belong to this model", weights.listing().string(),
                          base::printable(stranger->info.name), kDamaged);
}

using Checksums = std::unordered_map<std::string, std::uint32_t>;

base::Result<Checksums> readChecksums(const models::ModelFolder& folder,
                                      const std::vector<Expected>& expected) {
    const auto file = (folder.path / "fairy2.json").string();
    const auto found = folder.marker.find("crc32c");
    if (found == folder.marker.end() || !found->is_object())
        return base::badInput("an object with the checksum of each tensor was expected", file, "crc32c",
                              kDamaged);
    Checksums checksums;
    for (const auto& each : expected) {
        FAIRY2_ASSIGN(const auto value, base::jsonInteger(*found, each.name, 0, UINT32_MAX, file));
        checksums[each.name] = static_cast<std::uint32_t>(value);
    }
    return checksums;
}

class PackedCheckpoint final : public models::Checkpoint {
public:
    PackedCheckpoint(models::ModelFolder folder, const models::Location& location, WeightSet weights,
                     const std::vector<PackedSlot>& packed, Checksums checksums)
        : m_weights(std::move(weights)), m_checksums(std::move(checksums)) {
        m_path = std::move(folder.path);
        m_displayName = location.displayName;
        m_kind = folder.kind;
        m_spec = std::move(folder.spec);
        m_config = std::move(folder.config);
        m_recipe = std::move(folder.recipe);
        m_linears = models::linearsOf(m_spec);
        for (const auto& entry : m_weights.entries())
            m_tensors.push_back(entry.info);
        for (const auto& slot : packed)
            m_packed[slot.layer + std::string(kWeight)] = slot;
        for (auto& linear : m_linears) {
            if (!m_packed.contains(linear.name + std::string(kWeight))) continue;
            linear.quantizable = false;
            linear.reason = "already quantised";
        }
    }

    base::Result<std::vector<float>> readFloat(const std::string& tensor) const override {
        if (const auto slot = m_packed.find(tensor); slot != m_packed.end()) {
            FAIRY2_ASSIGN(const auto codes, checkedBytes(codesName(slot->second.layer)));
            FAIRY2_ASSIGN(const auto scales, checkedBytes(scalesName(slot->second.layer)));
            FAIRY2_ASSIGN(const auto matrix, unpack({slot->second.shape, codes, scales}));
            return quant::dequantize(matrix);
        }
        const auto& stored = m_spec.tiedEmbeddings && tensor == kHead ? kEmbedding : tensor;
        const auto* entry = m_weights.find(stored);
        if (entry == nullptr || !tensors::isFloat(entry->info.dtype))
            return base::fail(base::ErrorCode::NotFound, "the model has no such tensor", m_path.string(),
                              base::printable(tensor));
        FAIRY2_ASSIGN(const auto bytes, checkedBytes(stored));
        std::vector<float> values(static_cast<std::size_t>(entry->info.elements()));
        tensors::convertToFloat(bytes, entry->info.dtype, values);
        return values;
    }

    base::Result<std::string> contentHash() const override {
        const std::lock_guard lock(m_hashMutex);
        if (!m_hash.empty()) return m_hash;
        std::vector<models::HashedTensor> list;
        for (const auto& info : m_tensors) {
            FAIRY2_ASSIGN(const auto bytes, checkedBytes(info.name));
            list.push_back({info.name, info.dtype, info.shape, bytes});
        }
        std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
        m_hash = models::contentHash(m_spec, m_kind, m_recipe, list);
        return m_hash;
    }

private:
    // Checked once; what was good stays good as long as the file is mapped.
    base::Result<std::span<const std::byte>> checkedBytes(const std::string& tensor) const {
        const auto& entry = *m_weights.find(tensor);
        FAIRY2_ASSIGN(const auto bytes, m_weights.bytes(entry));
        {
            const std::lock_guard lock(m_checkedMutex);
            if (m_checked.contains(tensor)) return bytes;
        }
        if (base::crc32c(bytes) != m_checksums.at(tensor))
            return base::badInput("its checksum does not match fairy2.json", m_weights.fileOf(entry).string(),
                                  tensor, kDamaged);
        const std::lock_guard lock(m_checkedMutex);
        m_checked.insert(tensor);
        return bytes;
    }

    WeightSet m_weights;
    Checksums m_checksums;
    std::unordered_map<std::string, PackedSlot> m_packed; ///< by "NAME.weight"
    mutable std::mutex m_checkedMutex;
    mutable std::unordered_set<std::string> m_checked;
    mutable std::mutex m_hashMutex;
    mutable std::string m_hash;
};

} // namespace

std::string codesName(const std::string& layer) {
    return layer + ".codes";
}

std::string scalesName(const std::string& layer) {
    return layer + ".scales";
}

std::vector<PackedSlot> packedSlots(const models::ModelSpec& spec, const quant::ModelRecipe& recipe) {
    std::vector<PackedSlot> slots;
    for (const auto& linear : models::linearsOf(spec)) {
        const auto how = recipe.forLayer(linear.name);
        if (linear.quantizable && how.quantizes())
            slots.push_back({linear.name, {linear.rows, linear.cols, how.stages, how.scale}});
    }
    return slots;
}

base::Result<std::shared_ptr<const models::Checkpoint>> openPacked(models::ModelFolder folder,
                                                                   const models::Location& location) {
    FAIRY2_ASSIGN(auto weights, WeightSet::openFile(folder.path / kPackedFile));
    if (!location.file.empty() && !weights.holdsFile(location.file.filename()))
        return base::badInput("this is not one of the weight files of the model in its folder",
                              location.file.string(), {}, "name the folder to open that model");
    const auto packed = packedSlots(folder.spec, folder.recipe);
    const auto expected = expectedTensors(folder.spec, packed);
    FAIRY2_TRY(checkTensors(expected, weights));
    FAIRY2_ASSIGN(auto checksums, readChecksums(folder, expected));
    return std::make_shared<const PackedCheckpoint>(std::move(folder), location, std::move(weights), packed,
                                                    std::move(checksums));
}

} // namespace fairy2::pack
