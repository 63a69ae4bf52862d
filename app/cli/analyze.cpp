// SPDX-License-Identifier: Apache-2.0
#include "eval/modelanalysis.h"
#include "recipeoptions.h"
#include "table.h"
#include "verb.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fairy2::cli {
namespace {

std::string percent(double share) {
    return fmt::format("{:.2f}", 100 * share);
}

std::string decibel(double value) {
    return std::isfinite(value) ? fmt::format("{:.2f}", value) : "exact";
}

std::string summary(const eval::ModelAnalysis& analysis) {
    const auto [worst, best] =
        std::minmax_element(analysis.layers.begin(), analysis.layers.end(),
                            [](const auto& a, const auto& b) { return a.sqnrDb < b.sqnrDb; });
    return fmt::format("\n{} layers, {:.3f} bits per weight with scales, {:.2f} % of the energy lost\n"
                       "SQNR from {} dB ({}) to {} dB ({})\n",
                       analysis.layers.size(), analysis.bitsPerWeight, 100 * analysis.relativeError,
                       decibel(worst->sqnrDb), worst->name, decibel(best->sqnrDb), best->name);
}

std::string textOf(const eval::ModelAnalysis& analysis) {
    std::size_t stages = 0;
    for (const auto& layer : analysis.layers)
        stages = std::max(stages, layer.stages.size());
    std::vector<std::string> headings{"layer", ">rows", ">cols", "scale"};
    for (std::size_t t = 1; t <= stages; ++t)
        headings.push_back(fmt::format(">left {} %", t));
    headings.insert(headings.end(), {">SQNR dB", ">U share %", ">entropy bits"});
    Table table(std::move(headings));
    std::string damaged;
    for (const auto& layer : analysis.layers) {
        if (layer.nonFinite > 0) {
            damaged += fmt::format("{}: {} entries are NaN or infinite\n", layer.name, layer.nonFinite);
            continue;
        }
        std::vector<std::string> row{layer.name, std::to_string(layer.rows), std::to_string(layer.cols),
                                     name(layer.recipe.scale)};
        double entropy = 0;
        for (const auto& stage : layer.stages) {
            row.push_back(percent(stage.residualEnergy));
            entropy += (stage.u.entropyBits + stage.w.entropyBits) / 2;
        }
        row.resize(4 + stages);
        row.insert(row.end(), {decibel(layer.sqnrDb), percent(layer.uEnergyShare),
                               fmt::format("{:.3f}", entropy / static_cast<double>(layer.stages.size()))});
        table.add(std::move(row));
    }
    std::string text = table.text() + summary(analysis);
    for (const auto& each : analysis.skipped)
        text += fmt::format("skipped {}: {}\n", each.name, each.reason);
    return text + damaged;
}

base::Result<Outcome> run(const std::string& model, const std::string& glob, const std::string& out,
                          const RecipeOptions& options, const Invocation& invocation) {
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(model));
    FAIRY2_ASSIGN(auto recipe, options.recipe());
    if (checkpoint->kind() == models::CheckpointKind::Master && !options.given())
        recipe = checkpoint->recipe();
    FAIRY2_ASSIGN(const auto analysis, eval::analyzeModel(*checkpoint, recipe, glob, invocation.task));
    Outcome outcome;
    outcome.document = analysis.toJson();
    outcome.text = textOf(analysis);
    if (out.empty()) return outcome;

    // Figures that leave the program say what they are of and how to make them again.
    FAIRY2_ASSIGN(outcome.document["content_hash"], checkpoint->contentHash());
    outcome.document["command"] = invocation.commandLine;
    const base::Path folder = out;
    FAIRY2_TRY(base::makeDirectories(folder));
    FAIRY2_TRY(base::writeFileAtomically(folder / "analysis.json", outcome.document.dump(1) + '\n'));
    FAIRY2_TRY(base::writeFileAtomically(folder / "layers.csv", analysis.toCsv()));
    outcome.text += fmt::format("\nwrote {} and layers.csv\n", (folder / "analysis.json").string());
    return outcome;
}

} // namespace

void addAnalyze(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(program, invocation, "analyze",
                             "what quantising does to each layer: scales, codes, energy left, SQNR",
                             "fairy2 analyze HuggingFaceTB/SmolLM2-135M --stages 2 --layer '*.mlp.*'");
    auto model = std::make_shared<std::string>();
    auto glob = std::make_shared<std::string>("*");
    auto out = std::make_shared<std::string>();
    verb->add_option("model", *model, "folder, file or org/name of a model")
        ->required()
        ->option_text("MODEL");
    verb->add_option("--layer", *glob, "only layers whose name matches, e.g. '*.layers.0.*'");
    verb->add_option("--out", *out, "folder for analysis.json and layers.csv");
    const auto options = RecipeOptions::declare(*verb);
    verb->callback([&invocation, model, glob, out, options] {
        invocation.run = [&invocation, model, glob, out, options] {
            return run(*model, *glob, *out, *options, invocation);
        };
    });
}

} // namespace fairy2::cli
