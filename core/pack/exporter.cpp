// SPDX-License-Identifier: Apache-2.0
#include "pack/exporter.h"

#include "base/hash.h"
#include "base/uuid.h"
#include "pack/exportplan.h"

#include <cstring>

#include <fmt/format.h>

namespace fairy2::pack {
namespace {

namespace fs = std::filesystem;
using base::Json;
using Content = PlannedTensor::Content;

constexpr std::size_t kMaxCompanionBytes = std::size_t{256} << 20U;
// What belongs to a model beside its weights and config: tokenizer and generation settings.
constexpr const char* kCompanions[] = {"tokenizer.json",
                                       "tokenizer_config.json",
                                       "special_tokens_map.json",
                                       "tokenizer.model",
                                       "vocab.json",
                                       "merges.txt",
                                       "added_tokens.json",
                                       "chat_template.jinja",
                                       "generation_config.json"};

// A folder under a temporary name beside its target, removed unless it was renamed to it.
class FolderInProgress {
public:
    static base::Result<FolderInProgress> create(const base::Path& target) {
        auto absolute = fs::absolute(target).lexically_normal();
        if (absolute.filename().empty()) absolute = absolute.parent_path();
        FAIRY2_TRY(base::makeDirectories(absolute.parent_path()));
        auto temporary = absolute.parent_path() / fmt::format(".{}.tmp-{}", absolute.filename().string(),
                                                              base::newUuid().substr(0, 8));
        std::error_code error;
        if (!fs::create_directory(temporary, error))
            return tl::unexpected(base::systemError("create the folder", temporary, error.value()));
        return FolderInProgress(std::move(absolute), std::move(temporary));
    }
    FolderInProgress(FolderInProgress&& other) noexcept
        : m_target(std::move(other.m_target)), m_temporary(std::exchange(other.m_temporary, {})) {}
    FolderInProgress& operator=(FolderInProgress&&) = delete;
    ~FolderInProgress() { remove(m_temporary); }

    [[nodiscard]] const base::Path& path() const { return m_temporary; }
    [[nodiscard]] const base::Path& target() const { return m_target; }

    // What stands there already steps aside first, and back again if the rename fails.
    base::Result<void> commit() {
        FAIRY2_TRY(base::syncDirectory(m_temporary));
        const auto aside = base::Path(m_temporary).concat("-old");
        std::error_code error;
        const bool replaces = fs::exists(m_target, error);
        if (replaces) fs::rename(m_target, aside, error);
        if (!error) fs::rename(m_temporary, m_target, error);
        if (error) {
            const auto reason = base::systemError("rename to the target", m_target, error.value());
            if (replaces) fs::rename(aside, m_target, error);
            return tl::unexpected(reason);
        }
        m_temporary.clear();
        if (replaces) remove(aside);
        return base::syncDirectory(m_target.parent_path());
    }

private:
    FolderInProgress(base::Path target, base::Path temporary)
        : m_target(std::move(target)), m_temporary(std::move(temporary)) {}
    static void remove(const base::Path& path) {
        std::error_code ignored; // nothing more can be done about what cannot be removed
        if (!path.empty()) fs::remove_all(path, ignored);
    }
    base::Path m_target;
    base::Path m_temporary;
};

base::Result<void> checkTarget(const models::Checkpoint& source, const base::Path& folder, bool overwrite) {
    std::error_code error;
    if (!fs::exists(folder, error) || fs::is_empty(folder, error)) return {};
    const auto refuse = [&](const char* why, const char* hint) {
        return base::badInput(why, folder.string(), {}, hint);
    };
    if (fs::equivalent(folder, source.path(), error))
        return refuse("the target is the model itself", "choose another folder");
    if (!fs::is_directory(folder, error)) return refuse("the target is a file", "choose a folder");
    if (!overwrite)
        return refuse("the target exists already", "choose another folder, or ask to overwrite it");
    // Overwriting removes the whole folder, so a slip of the finger must not cost a home directory.
    if (!fs::exists(folder / "config.json", error))
        return refuse("the target holds something that is not a model", "choose another folder");
    return {};
}

base::Result<void> checkSpace(const base::Path& folder, std::uint64_t bytes) {
    std::error_code error;
    const auto space = fs::space(folder, error);
    const auto needed = bytes + bytes / 50 + (std::uint64_t{1} << 20U);
    if (error || space.available >= needed) return {}; // a disk that does not say has to be tried
    return base::fail(base::ErrorCode::Io,
                      fmt::format("the export needs {:.1f} MB, but only {:.1f} MB are free",
                                  static_cast<double>(needed) / 1e6,
                                  static_cast<double>(space.available) / 1e6),
                      folder.string(), {}, "free some space on this disk or choose another one");
}

template <typename Half>
std::vector<std::byte> asHalves(const std::vector<float>& values, Half half) {
    std::vector<std::byte> bytes(2 * values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint16_t bits = half(values[i]);
        std::memcpy(bytes.data() + 2 * i, &bits, sizeof bits);
    }
    return bytes;
}

std::vector<std::byte> asType(const std::vector<float>& values, tensors::DType type) {
    if (type == tensors::DType::BF16) return asHalves(values, tensors::toBf16);
    if (type == tensors::DType::F16) return asHalves(values, tensors::toF16);
    const auto bytes = std::as_bytes(std::span(values));
    return {bytes.begin(), bytes.end()};
}

// Makes the bytes of the planned tensors one after the other and remembers what the file must be checked by.
class TensorProducer {
public:
    TensorProducer(const models::Checkpoint& source, const ExportPlan& plan)
        : m_source(source), m_plan(plan) {}

    base::Result<void> writeAll(tensors::SafetensorsWriter& writer, const base::Task& task) {
        const auto total = static_cast<std::int64_t>(m_plan.tensors.size());
        std::int64_t done = 0;
        for (const auto& tensor : m_plan.tensors) {
            if (task.cancelled()) return base::cancelled();
            task.progress(done++, total, tensor.name);
            auto bytes = produce(tensor);
            if (!bytes) {
                auto& error = bytes.error();
                if (error.field.empty()) error.field = tensor.name;
                if (error.file.empty()) error.file = m_source.path().string();
                return tl::unexpected(error);
            }
            m_checksums[tensor.name] = base::crc32c(*bytes);
            FAIRY2_TRY(writer.write(*bytes));
        }
        return {};
    }
    [[nodiscard]] const Json& checksums() const { return m_checksums; }

private:
    base::Result<quant::QuantizedMatrix> quantized(const PackedSlot& slot) const {
        FAIRY2_ASSIGN(const auto weight, m_source.readFloat(slot.layer + ".weight"));
        return quant::quantize({weight.data(), slot.shape.rows, slot.shape.cols},
                               m_plan.recipe.forLayer(slot.layer));
    }

    base::Result<std::vector<std::byte>> produce(const PlannedTensor& tensor) {
        switch (tensor.content) {
        case Content::Codes: {
            FAIRY2_ASSIGN(const auto matrix, quantized(tensor.slot));
            FAIRY2_ASSIGN(auto layer, pack(matrix));
            m_scales[tensor.slot.layer] = std::move(layer.scales);
            return std::move(layer.codes);
        }
        case Content::Scales:
            return std::move(m_scales.at(tensor.slot.layer));
        case Content::Baked: {
            if (m_source.kind() == models::CheckpointKind::Packed) break;
            FAIRY2_ASSIGN(auto matrix, quantized(tensor.slot));
            FAIRY2_ASSIGN(matrix, withStoredScales(std::move(matrix)));
            return asType(quant::dequantize(matrix), tensor.type);
        }
        case Content::Dense:
            break;
        }
        FAIRY2_ASSIGN(const auto values, m_source.readFloat(tensor.name));
        return asType(values, tensor.type);
    }

    const models::Checkpoint& m_source;
    const ExportPlan& m_plan;
    std::map<std::string, std::vector<std::byte>> m_scales; ///< from the codes' turn to their own
    Json m_checksums = Json::object();
};

Json exportedConfig(const models::Checkpoint& source, const ExportPlan& plan, const ExportOptions& options) {
    Json config = source.config();
    config.erase("quantization_config");
    if (options.format == Format::Packed) {
        // Loaders that do not know the method stop here instead of looking for weights that are not there.
        config["quantization_config"] = plan.recipe.toJson();
        config["quantization_config"].update({{"quant_method", "fairy2i"}, {"format", 1}});
        return config;
    }
    // transformers converts everything to this type when it loads: a narrower one would round A_q.
    const char* type = options.bakedType == tensors::DType::F32    ? "float32"
                       : options.bakedType == tensors::DType::BF16 ? "bfloat16"
                                                                   : "float16";
    const bool oldKey = config.contains("torch_dtype");
    config.erase("torch_dtype");
    config[oldKey ? "torch_dtype" : "dtype"] = type;
    if (oldKey && config.contains("dtype")) config["dtype"] = type;
    if (plan.untiesHead) config["tie_word_embeddings"] = false;
    return config;
}

base::Result<Json> marker(const models::Checkpoint& source, const ExportPlan& plan,
                          const ExportOptions& options, const base::Path& weights, const Json& checksums) {
    FAIRY2_ASSIGN(const auto sourceHash, source.contentHash());
    FAIRY2_ASSIGN(const auto sha256, base::sha256OfFile(weights));
    Json json = {
        {"format", 1},
        {"kind", options.format == Format::Packed ? "packed" : "baked"},
        {"recipe", plan.recipe.toJson()},
        {"source",
         {{"name", source.displayName()}, {"kind", name(source.kind())}, {"content_hash", sourceHash}}},
        {"weights",
         {{"file", weights.filename().string()}, {"bytes", fs::file_size(weights)}, {"sha256", sha256}}},
        {"skipped", plan.skipped}};
    if (options.format == Format::Packed) json["crc32c"] = checksums;
    return json;
}

base::Result<void> copyCompanions(const base::Path& from, const base::Path& to) {
    for (const char* each : kCompanions) {
        std::error_code error;
        if (!fs::exists(from / each, error)) continue;
        FAIRY2_ASSIGN(const auto content, base::readFile(from / each, kMaxCompanionBytes));
        FAIRY2_TRY(base::writeFileAtomically(to / each, content));
    }
    return {};
}

} // namespace

base::Result<Format> parseFormat(const std::string& text) {
    for (const auto each : {Format::Packed, Format::Baked})
        if (text == name(each)) return each;
    return base::fail(base::ErrorCode::Usage, fmt::format("'{}' is not an export format", text), {},
                      "--format", "use packed or hf");
}

const char* name(Format format) noexcept {
    return format == Format::Packed ? "packed" : "hf";
}

Json ExportReport::toJson() const {
    return {{"folder", folder.string()},
            {"format", name(format)},
            {"bytes", bytes},
            {"expected_bytes", expectedBytes},
            {"bits_per_weight", bitsPerWeight},
            {"quantized_layers", quantizedLayers},
            {"skipped", skipped},
            {"content_hash", contentHash}};
}

base::Result<ExportReport> exportCheckpoint(const models::Checkpoint& source, const base::Path& folder,
                                            const ExportOptions& options, const base::Task& task) {
    FAIRY2_ASSIGN(const auto plan, planExport(source, options));
    FAIRY2_TRY(checkTarget(source, folder, options.overwrite));
    FAIRY2_ASSIGN(auto work, FolderInProgress::create(folder));
    FAIRY2_TRY(checkSpace(work.path(), plan.expectedBytes));

    std::vector<tensors::SafetensorsWriter::Declaration> declarations;
    for (const auto& tensor : plan.tensors)
        declarations.push_back({tensor.name, tensor.type, tensor.shape});
    const auto weights = work.path() / (options.format == Format::Packed ? kPackedFile : "model.safetensors");
    FAIRY2_ASSIGN(auto writer, tensors::SafetensorsWriter::create(weights, declarations, {{"format", "pt"}}));
    TensorProducer producer(source, plan);
    FAIRY2_TRY(producer.writeAll(writer, task));
    FAIRY2_TRY(writer.finish());

    const auto total = static_cast<std::int64_t>(plan.tensors.size());
    task.progress(total, total, "checking what was written");
    FAIRY2_ASSIGN(const auto markerJson, marker(source, plan, options, weights, producer.checksums()));
    FAIRY2_TRY(copyCompanions(source.path(), work.path()));
    FAIRY2_TRY(base::writeFileAtomically(work.path() / "fairy2.json", markerJson.dump(1) + '\n'));
    FAIRY2_TRY(base::writeFileAtomically(work.path() / "config.json",
                                         exportedConfig(source, plan, options).dump(2) + '\n'));

    ExportReport report;
    report.folder = work.target();
    report.format = options.format;
    report.bytes = markerJson.at("weights").at("bytes").get<std::uint64_t>();
    report.expectedBytes = plan.expectedBytes;
    report.bitsPerWeight = plan.bitsPerWeight;
    report.quantizedLayers = plan.quantizedLayers;
    report.skipped = plan.skipped;
    {
        FAIRY2_ASSIGN(const auto written, models::Checkpoint::open(work.path().string()));
        FAIRY2_ASSIGN(report.contentHash, written->contentHash());
    }
    if (task.cancelled()) return base::cancelled();
    FAIRY2_TRY(work.commit());
    return report;
}

} // namespace fairy2::pack
