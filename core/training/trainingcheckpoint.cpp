// SPDX-License-Identifier: Apache-2.0
#include "training/trainingcheckpoint.h"

#include "base/paths.h"
#include "base/uuid.h"
#include "runs/manifest.h"

#include <array>
#include <fmt/format.h>
#include <limits>

namespace fairy2::training {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 9> kCompanions = {"tokenizer.json",
                                                    "tokenizer_config.json",
                                                    "special_tokens_map.json",
                                                    "tokenizer.model",
                                                    "vocab.json",
                                                    "merges.txt",
                                                    "added_tokens.json",
                                                    "chat_template.jinja",
                                                    "generation_config.json"};
constexpr std::size_t kMaxCompanionBytes = std::size_t{256} << 20U;
constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

// A folder that is removed again unless it reached its name.
class UnfinishedFolder {
public:
    explicit UnfinishedFolder(base::Path path) : m_path(std::move(path)) {}
    UnfinishedFolder(const UnfinishedFolder&) = delete;
    UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;
    ~UnfinishedFolder() {
        std::error_code error;
        if (!m_path.empty()) fs::remove_all(m_path, error);
    }
    [[nodiscard]] const base::Path& path() const noexcept { return m_path; }
    [[nodiscard]] base::Result<void> rename(const base::Path& name) {
        std::error_code error;
        // Only an earlier, unusable save of the same step can stand there.
        const base::Path aside = base::Path(name) += ".trash-" + base::newUuid();
        if (fs::exists(name, error)) fs::rename(name, aside, error);
        fs::rename(m_path, name, error);
        if (error) return tl::unexpected(base::systemError("rename to", name, error.value()));
        m_path.clear();
        fs::remove_all(aside, error);
        return base::syncDirectory(name.parent_path());
    }

private:
    base::Path m_path;
};

struct StoredPart {
    Part part;
    const char* prefix;
};

base::Result<void> writeTensors(const base::Path& file, const Engine& engine,
                                std::span<const StoredPart> parts, const tensors::Metadata& metadata) {
    std::vector<tensors::SafetensorsWriter::Declaration> declarations;
    for (const StoredPart& stored : parts)
        for (const ParameterInfo& info : engine.parameters())
            declarations.push_back({stored.prefix + info.name, tensors::DType::F32, info.shape});
    FAIRY2_ASSIGN(auto writer, tensors::SafetensorsWriter::create(file, declarations, metadata));
    std::vector<float> values;
    for (const StoredPart& stored : parts)
        for (std::size_t i = 0; i < engine.parameters().size(); ++i) {
            values.resize(static_cast<std::size_t>(engine.parameters()[i].elements));
            FAIRY2_TRY(engine.read(i, stored.part, values));
            FAIRY2_TRY(writer.write(std::as_bytes(std::span(values))));
        }
    return writer.finish();
}

base::Result<void> copyCompanions(const base::Path& from, const base::Path& to) {
    for (const char* name : kCompanions) {
        std::error_code error;
        if (!fs::exists(from / name, error)) continue;
        FAIRY2_ASSIGN(const auto content, base::readFile(from / name, kMaxCompanionBytes));
        FAIRY2_TRY(base::writeFileAtomically(to / name, content));
    }
    return {};
}

base::Json stateOf(const Engine& engine, const Progress& progress, const CheckpointContext& context) {
    return {{"format", 1},
            {"step", progress.step},
            {"position", progress.position},
            {"tokens", progress.tokens},
            {"skipped", progress.skipped},
            {"skipped_in_a_row", progress.skippedInARow},
            {"last_loss", progress.lastLoss},
            {"updates", engine.updates()},
            {"seed", context.seed},
            {"row_order", "feistel"},
            {"threads", context.threads},
            {"world_size", 1},
            {"run", context.run},
            {"config_sha256", context.configSha256},
            {"build", base::version()}};
}

// Saving while 5 % of the disk stay free keeps the log and the rest of the machine alive.
base::Result<void> checkSpace(const base::Path& folder, const Engine& engine) {
    std::uintmax_t needed = 1 << 20;
    for (const ParameterInfo& info : engine.parameters())
        needed += static_cast<std::uintmax_t>(info.elements) * 3 * sizeof(float);
    std::error_code error;
    const auto space = fs::space(folder, error);
    if (error || space.available >= needed + space.capacity / 20) return {};
    return base::fail(
        base::ErrorCode::Io,
        fmt::format("a checkpoint takes {:.1f} MB, and {:.1f} MB are free of which 5 % of the disk stay so",
                    static_cast<double>(needed) / 1e6, static_cast<double>(space.available) / 1e6),
        folder.string(), {}, "free some space on this disk");
}

} // namespace

std::string checkpointName(std::int64_t step) {
    return fmt::format("step-{:06}", step);
}

base::Result<std::string> writeTrainingCheckpoint(const base::Path& folder, const Engine& engine,
                                                  const Progress& progress,
                                                  const CheckpointContext& context) {
    FAIRY2_TRY(base::makeDirectories(folder));
    FAIRY2_TRY(checkSpace(folder, engine));
    const auto name = checkpointName(progress.step);
    UnfinishedFolder unfinished(folder / (name + ".tmp-" + base::newUuid()));
    const auto& path = unfinished.path();
    FAIRY2_TRY(base::makeDirectories(path));

    const auto text = [](const base::Json& json) { return json.dump(2) + "\n"; };
    constexpr std::array<StoredPart, 1> kMasters = {{{Part::Master, ""}}};
    constexpr std::array<StoredPart, 2> kMoments = {{{Part::FirstMoment, "m."}, {Part::SecondMoment, "v."}}};
    FAIRY2_TRY(writeTensors(path / "model.safetensors", engine, kMasters, {{"format", "pt"}}));
    FAIRY2_TRY(writeTensors(path / "optim.safetensors", engine, kMoments, {}));
    FAIRY2_TRY(copyCompanions(context.companions, path));
    auto config = context.modelConfig;
    config[config.contains("dtype") ? "dtype" : "torch_dtype"] = "float32";
    FAIRY2_TRY(base::writeFileAtomically(path / "config.json", text(config)));
    FAIRY2_TRY(base::writeFileAtomically(
        path / "fairy2.json",
        text({{"format", 1}, {"kind", "master"}, {"recipe", context.recipe.toJson()}})));
    FAIRY2_TRY(base::writeFileAtomically(path / "state.json", text(stateOf(engine, progress, context))));
    FAIRY2_ASSIGN(auto hash, runs::writeManifest(path, {{"step", progress.step}, {"run", context.run}}));
    FAIRY2_TRY(base::syncDirectory(path));
    FAIRY2_TRY(unfinished.rename(folder / name));
    return hash;
}

base::Result<SavedState> readSavedState(const base::Path& checkpoint, const CheckpointContext& context) {
    const auto file = checkpoint / "state.json";
    FAIRY2_ASSIGN(const auto json, base::readJson(file));
    const auto integer = [&](const char* key) {
        return base::jsonInteger(json, key, 0, kLargest, file.string());
    };
    FAIRY2_TRY(base::jsonInteger(json, "format", 1, 1, file.string()));
    FAIRY2_ASSIGN(const auto hash, base::jsonString(json, "config_sha256", file.string()));
    if (hash != context.configSha256)
        return base::badInput("the checkpoint belongs to another configuration", file.string(),
                              "config_sha256",
                              "resume the run that wrote it, or start a new one from it with model.path");
    SavedState state;
    FAIRY2_ASSIGN(state.progress.step, integer("step"));
    FAIRY2_ASSIGN(state.progress.position, integer("position"));
    FAIRY2_ASSIGN(state.progress.tokens, integer("tokens"));
    FAIRY2_ASSIGN(state.progress.skipped, integer("skipped"));
    FAIRY2_ASSIGN(state.progress.skippedInARow, integer("skipped_in_a_row"));
    FAIRY2_ASSIGN(state.progress.lastLoss, base::jsonNumber(json, "last_loss", file.string()));
    FAIRY2_ASSIGN(state.updates, integer("updates"));
    FAIRY2_ASSIGN(const auto threads, base::jsonInteger(json, "threads", 1, 4096, file.string()));
    state.threads = static_cast<int>(threads);
    return state;
}

base::Result<void> restoreOptimizer(const base::Path& checkpoint, const SavedState& state, Engine& engine) {
    FAIRY2_ASSIGN(const auto file, tensors::SafetensorsFile::open(checkpoint / "optim.safetensors"));
    std::vector<float> values;
    for (const auto& [part, prefix] :
         {StoredPart{Part::FirstMoment, "m."}, StoredPart{Part::SecondMoment, "v."}})
        for (std::size_t i = 0; i < engine.parameters().size(); ++i) {
            const ParameterInfo& info = engine.parameters()[i];
            const auto* stored = file.find(prefix + info.name);
            if (stored == nullptr || stored->dtype != tensors::DType::F32 || stored->shape != info.shape)
                return base::badInput("the optimiser state of this tensor is missing or has another shape",
                                      file.path().string(), prefix + info.name,
                                      "resume from an earlier checkpoint");
            values.resize(static_cast<std::size_t>(info.elements));
            tensors::convertToFloat(file.bytes(*stored), stored->dtype, values);
            FAIRY2_TRY(engine.write(i, part, values));
        }
    engine.setUpdates(state.updates);
    return {};
}

void removeUnfinishedCheckpoints(const base::Path& folder) {
    std::error_code error;
    std::vector<base::Path> leftovers;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const auto name = entry.path().filename().string();
        const bool unfinished =
            name.find(".tmp-") != std::string::npos || name.find(".trash-") != std::string::npos;
        if (name.rfind("step-", 0) == 0 && unfinished) leftovers.push_back(entry.path());
    }
    for (const auto& path : leftovers)
        fs::remove_all(path, error);
}

} // namespace fairy2::training
