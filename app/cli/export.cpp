// SPDX-License-Identifier: Apache-2.0
#include "exportverb.h"
#include "recipeoptions.h"

#include <fmt/format.h>

namespace fairy2::cli {
namespace {

struct ExportArguments {
    std::string model;
    std::string folder;
    std::string format = "packed";
    std::string denseType;
    std::string bakedType;
    bool overwrite = false;
};

base::Result<Outcome> run(const ExportArguments& arguments, const RecipeOptions& recipe,
                          const base::Task& task) {
    pack::ExportOptions options;
    FAIRY2_ASSIGN(options.format, pack::parseFormat(arguments.format));
    FAIRY2_ASSIGN(options.denseType, parseFloatType(arguments.denseType));
    FAIRY2_ASSIGN(const auto baked, parseFloatType(arguments.bakedType));
    options.bakedType = baked.value_or(options.bakedType);
    options.overwrite = arguments.overwrite;
    if (recipe.given()) {
        FAIRY2_ASSIGN(options.recipe, recipe.recipe());
    }
    return exportModel(arguments.model, arguments.folder, options, task);
}

} // namespace

base::Result<std::optional<tensors::DType>> parseFloatType(const std::string& text) {
    if (text.empty()) return std::optional<tensors::DType>();
    if (text == "f32") return tensors::DType::F32;
    if (text == "bf16") return tensors::DType::BF16;
    if (text == "f16") return tensors::DType::F16;
    return base::fail(base::ErrorCode::Usage, fmt::format("'{}' is not a float type", text), {}, {},
                      "use f32, bf16 or f16");
}

base::Result<Outcome> exportModel(const std::string& model, const std::string& folder,
                                  const pack::ExportOptions& options, const base::Task& task) {
    FAIRY2_ASSIGN(const auto source, models::Checkpoint::open(model));
    FAIRY2_ASSIGN(const auto report, pack::exportCheckpoint(*source, folder, options, task));
    Outcome outcome;
    outcome.document = report.toJson();
    const bool packed = report.format == pack::Format::Packed;
    outcome.text = fmt::format("{}\n{} layers quantised, {} in {:.3f} bits per weight{}, {:.2f} MB\n",
                               report.folder.string(), report.quantizedLayers,
                               packed ? "linears" : "A_q written out", report.bitsPerWeight,
                               packed ? " with scales" : "", static_cast<double>(report.bytes) / 1e6);
    for (const auto& each : report.skipped)
        outcome.text += "dense " + each + '\n';
    return outcome;
}

void addExport(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(program, invocation, "export", "write a quantised model for use elsewhere",
                             "fairy2 export runs/w2/checkpoints/step-300 smollm2-w2 --format packed");
    auto arguments = std::make_shared<ExportArguments>();
    verb->add_option("checkpoint", arguments->model, "folder, file or org/name of a model")
        ->required()
        ->option_text("CHECKPOINT");
    verb->add_option("out", arguments->folder, "folder to write")->required()->option_text("OUT");
    verb->add_option(
        "--format", arguments->format,
        "packed: codes and scales; hf: A_q in a folder that transformers loads (default packed)");
    verb->add_option("--dense-type", arguments->denseType,
                     "of what is not quantised: f32, bf16 or f16 (default: as stored)");
    verb->add_option("--baked-type", arguments->bakedType,
                     "of A_q in an hf folder: f32 is exact, bf16 and f16 round (default f32)");
    verb->add_flag("--overwrite", arguments->overwrite, "replace a model that stands at OUT");
    const auto recipe = RecipeOptions::declare(*verb);
    verb->callback([&invocation, arguments, recipe] {
        invocation.run = [&invocation, arguments, recipe] {
            return run(*arguments, *recipe, invocation.task);
        };
    });
}

} // namespace fairy2::cli
