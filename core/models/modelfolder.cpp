// SPDX-License-Identifier: Apache-2.0
#include "models/modelfolder.h"

#include "base/printable.h"

#include <fmt/format.h>

namespace fairy2::models {
namespace {

using base::Json;

constexpr const char* kConfig = "config.json";
constexpr const char* kGeneration = "generation_config.json";
constexpr const char* kMarker = "fairy2.json";
constexpr std::int64_t kMarkerFormat = 1;

bool isThere(const base::Path& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

base::Result<Json> readConfig(const base::Path& folder) {
    const auto path = folder / kConfig;
    if (isThere(path)) return base::readJson(path);
    const bool run = isThere(folder / "checkpoints");
    return base::fail(base::ErrorCode::NotFound, "the folder has no config.json, so it is not a model",
                      path.string(), {},
                      run ? "this is a run: name one of the folders in its checkpoints/"
                          : "a model folder holds config.json and *.safetensors");
}

base::Result<CheckpointKind> kindOf(const Json& marker, const std::string& file) {
    FAIRY2_ASSIGN(const auto kind, base::jsonString(marker, "kind", file));
    for (const auto each : {CheckpointKind::Master, CheckpointKind::Baked, CheckpointKind::Packed})
        if (kind == name(each)) return each;
    return base::badInput(fmt::format("'{}' is not a kind of checkpoint", base::printable(kind, 64)), file,
                          "kind", "it is master, baked or packed");
}

base::Result<void> readMarker(ModelFolder& folder) {
    const auto path = folder.path / kMarker;
    folder.recipe.defaults.skip = true;
    if (!isThere(path)) return {};
    const auto file = path.string();
    FAIRY2_ASSIGN(folder.marker, base::readJson(path));
    FAIRY2_ASSIGN(const auto format, base::jsonInteger(folder.marker, "format", 1, INT32_MAX, file));
    if (format != kMarkerFormat)
        return base::badInput(
            fmt::format("the checkpoint has format {}; this version reads format {}", format, kMarkerFormat),
            file, "format", "open it with a newer Fairy2");
    FAIRY2_ASSIGN(folder.kind, kindOf(folder.marker, file));
    if (!folder.marker.contains("recipe")) return base::badInput("the key is missing", file, "recipe");
    FAIRY2_ASSIGN(folder.recipe, quant::ModelRecipe::fromJson(folder.marker["recipe"], file));
    return {};
}

// MLX writes its own key; everybody else writes quantization_config with the method's name.
base::Result<void> refuseForeignQuantization(const ModelFolder& folder) {
    if (folder.kind == CheckpointKind::Packed) return {};
    const auto file = (folder.path / kConfig).string();
    for (const char* key : {"quantization_config", "quantization"}) {
        const auto found = folder.config.find(key);
        if (found == folder.config.end() || found->is_null()) continue;
        std::string method = key == std::string_view("quantization") ? "MLX" : "an unnamed method";
        std::string bits;
        if (found->is_object()) {
            if (const auto named = found->find("quant_method"); named != found->end() && named->is_string())
                method = base::printable(named->get_ref<const std::string&>(), 64);
            if (const auto count = found->find("bits"); count != found->end() && count->is_number_integer())
                bits = fmt::format(" in {} bits", base::printable(count->dump(), 8));
        }
        if (method.rfind("fairy2", 0) == 0)
            return base::badInput("the weights are packed by Fairy2, but fairy2.json is missing", file, key,
                                  "copy the whole folder that the export wrote");
        return base::badInput(fmt::format("the weights are already quantised with {}{}", method, bits), file,
                              key, "open the full-precision model that they were made from");
    }
    return {};
}

std::string whyNot(std::int64_t rows, std::int64_t cols) {
    if (rows % 2 != 0 && cols % 2 != 0)
        return fmt::format("odd number of rows and columns: {} × {}", rows, cols);
    if (rows % 2 != 0) return fmt::format("odd number of rows: {}", rows);
    if (cols % 2 != 0) return fmt::format("odd number of columns: {}", cols);
    return {};
}

} // namespace

base::Result<ModelFolder> readModelFolder(const base::Path& path) {
    ModelFolder folder;
    folder.path = path;
    FAIRY2_ASSIGN(folder.config, readConfig(path));
    const auto file = (path / kConfig).string();
    if (!folder.config.is_object()) return base::badInput("a JSON object was expected", file);
    FAIRY2_TRY(readMarker(folder));
    FAIRY2_TRY(refuseForeignQuantization(folder));
    FAIRY2_ASSIGN(folder.spec, parseSpec(folder.config, file));
    if (const auto generation = path / kGeneration; isThere(generation)) {
        FAIRY2_ASSIGN(const auto json, base::readJson(generation));
        FAIRY2_TRY(applyGenerationConfig(folder.spec, json, generation.string()));
    }
    return folder;
}

std::vector<LinearInfo> linearsOf(const ModelSpec& spec) {
    constexpr std::string_view kSuffix = ".weight";
    std::vector<LinearInfo> linears;
    const auto add = [&](std::string name, std::int64_t rows, std::int64_t cols) {
        auto reason = whyNot(rows, cols);
        const bool quantizable = reason.empty();
        linears.push_back({std::move(name), rows, cols, quantizable, std::move(reason)});
    };
    for (const auto& slot : tensorSlots(spec))
        if (slot.linear)
            add(slot.name.substr(0, slot.name.size() - kSuffix.size()), slot.shape[0], slot.shape[1]);
    if (spec.tiedEmbeddings) add("lm_head", spec.vocabSize, spec.hiddenSize);
    return linears;
}

} // namespace fairy2::models
