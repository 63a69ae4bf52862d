// SPDX-License-Identifier: Apache-2.0
#include "models/densecheckpoint.h"

#include "base/printable.h"
#include "models/contenthash.h"
#include "models/weightset.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <unordered_set>

namespace fairy2::models {
namespace {

constexpr const char* kHead = "lm_head.weight";
constexpr const char* kEmbedding = "model.embed_tokens.weight";

std::string shapeText(const std::vector<std::int64_t>& shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

base::Result<void> checkSlots(const std::vector<TensorSlot>& slots, const WeightSet& weights) {
    std::size_t missing = 0;
    std::string first;
    for (const auto& slot : slots) {
        const auto* entry = weights.find(slot.name);
        if (entry == nullptr) {
            if (missing++ == 0) first = slot.name;
            continue;
        }
        const auto refuse = [&](std::string why, std::string hint) {
            return base::badInput(std::move(why), weights.fileOf(*entry).string(), slot.name,
                                  std::move(hint));
        };
        if (!tensors::isFloat(entry->info.dtype))
            return refuse(
                fmt::format("its type is {}; F32, BF16, F16 or F64 was expected", name(entry->info.dtype)),
                "open the full-precision model");
        if (entry->info.shape != slot.shape)
            return refuse(fmt::format("its shape is {}, but config.json makes it {}",
                                      shapeText(entry->info.shape), shapeText(slot.shape)),
                          "config.json and the weights do not belong together");
    }
    if (missing == 0) return {};
    const bool onlyHead = missing == 1 && first == kHead;
    return base::badInput(
        missing == 1 ? "the tensor is missing"
                     : fmt::format("the tensor is missing, and {} more with it", missing - 1),
        weights.listing().string(), first,
        onlyHead ? "if the head shares the embedding, set \"tie_word_embeddings\": true in config.json"
                 : "the download may be incomplete, or config.json belongs to another model");
}

// Some writers store the tied head a second time. Only an equal copy leaves no doubt about which one is
// meant.
base::Result<bool> isCopyOfEmbedding(const WeightSet& weights, const WeightSet::Entry& head) {
    const auto* embedding = weights.find(kEmbedding);
    if (embedding == nullptr || embedding->info.dtype != head.info.dtype ||
        embedding->info.shape != head.info.shape)
        return false;
    FAIRY2_ASSIGN(const auto a, weights.bytes(*embedding));
    FAIRY2_ASSIGN(const auto b, weights.bytes(head));
    return std::memcmp(a.data(), b.data(), a.size()) == 0;
}

base::Result<void> checkExtras(const ModelSpec& spec, const std::vector<TensorSlot>& slots,
                               const WeightSet& weights) {
    std::unordered_set<std::string_view> known;
    for (const auto& slot : slots)
        known.insert(slot.name);
    std::size_t extra = 0;
    const WeightSet::Entry* first = nullptr;
    for (const auto& entry : weights.entries()) {
        if (known.count(entry.info.name) != 0 || isDerivedTensor(entry.info.name)) continue;
        if (spec.tiedEmbeddings && entry.info.name == kHead) {
            FAIRY2_ASSIGN(const bool copy, isCopyOfEmbedding(weights, entry));
            if (!copy)
                return base::badInput(
                    "config.json ties the head to the embedding, but this tensor differs from it",
                    weights.fileOf(entry).string(), kHead,
                    "set \"tie_word_embeddings\": false in config.json if the model has its own head");
            continue;
        }
        if (extra++ == 0) first = &entry;
    }
    if (extra == 0) return {};
    return base::badInput(fmt::format("the tensor does not belong to a {} model{}", name(spec.family),
                                      extra == 1 ? "" : fmt::format(", nor do {} others", extra - 1)),
                          weights.fileOf(*first).string(), base::printable(first->info.name),
                          "config.json and the weights do not belong together");
}

class DenseCheckpoint final : public Checkpoint {
public:
    DenseCheckpoint(ModelFolder folder, const Location& location, WeightSet weights)
        : m_weights(std::move(weights)) {
        m_path = std::move(folder.path);
        m_displayName = location.displayName;
        m_kind = folder.kind;
        m_spec = std::move(folder.spec);
        m_config = std::move(folder.config);
        m_recipe = std::move(folder.recipe);
        m_linears = linearsOf(m_spec);
        for (const auto& entry : m_weights.entries())
            m_tensors.push_back(entry.info);
        if (m_kind != CheckpointKind::Baked) return;
        for (auto& linear : m_linears) {
            if (!linear.quantizable || !m_recipe.forLayer(linear.name).quantizes()) continue;
            linear.quantizable = false;
            linear.reason = "already quantised";
        }
    }

    base::Result<std::vector<float>> readFloat(const std::string& tensor) const override {
        const bool head = m_spec.tiedEmbeddings && tensor == kHead;
        const auto* entry = m_weights.find(head ? kEmbedding : tensor);
        if (entry == nullptr)
            return base::fail(base::ErrorCode::NotFound, "the model has no such tensor", m_path.string(),
                              base::printable(tensor));
        if (!tensors::isFloat(entry->info.dtype))
            return base::badInput(fmt::format("its type {} is not a float type", name(entry->info.dtype)),
                                  m_weights.fileOf(*entry).string(), base::printable(tensor));
        FAIRY2_ASSIGN(const auto bytes, m_weights.bytes(*entry));
        std::vector<float> values(static_cast<std::size_t>(entry->info.elements()));
        tensors::convertToFloat(bytes, entry->info.dtype, values);
        return values;
    }

    base::Result<std::string> contentHash() const override {
        const std::lock_guard lock(m_hashMutex);
        if (m_hash) return *m_hash;
        FAIRY2_ASSIGN(m_hash, computeHash());
        return *m_hash;
    }

private:
    // What the forward pass never reads does not count.
    base::Result<std::string> computeHash() const {
        std::vector<HashedTensor> list;
        for (const auto& slot : tensorSlots(m_spec)) {
            const auto& entry = *m_weights.find(slot.name);
            FAIRY2_ASSIGN(const auto bytes, m_weights.bytes(entry));
            list.push_back({slot.name, entry.info.dtype, slot.shape, bytes});
        }
        return models::contentHash(m_spec, m_kind, m_recipe, list);
    }

    WeightSet m_weights;
    mutable std::mutex m_hashMutex;
    mutable std::optional<std::string> m_hash;
};

} // namespace

base::Result<std::shared_ptr<const Checkpoint>> openDense(ModelFolder folder, const Location& location) {
    FAIRY2_ASSIGN(auto weights, WeightSet::open(folder.path));
    // A file that was named must be read; a stranger beside the model would not be.
    if (!location.file.empty() && !weights.holdsFile(location.file.filename()))
        return base::badInput("this is not one of the weight files of the model in its folder",
                              location.file.string(), {}, "name the folder to open that model");
    const auto slots = tensorSlots(folder.spec);
    FAIRY2_TRY(checkSlots(slots, weights));
    FAIRY2_TRY(checkExtras(folder.spec, slots, weights));
    return std::make_shared<const DenseCheckpoint>(std::move(folder), location, std::move(weights));
}

} // namespace fairy2::models
