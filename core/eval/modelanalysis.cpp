// SPDX-License-Identifier: Apache-2.0
#include "eval/modelanalysis.h"

#include "base/threads.h"

#include <atomic>
#include <fmt/format.h>
#include <mutex>

namespace fairy2::eval {
namespace {

using base::Json;
using quant::LayerReport;

base::Result<void> checkKind(const models::Checkpoint& checkpoint) {
    if (checkpoint.kind() != models::CheckpointKind::Baked &&
        checkpoint.kind() != models::CheckpointKind::Packed)
        return {};
    return base::badInput(fmt::format("the weights are quantised already ({})", name(checkpoint.kind())),
                          checkpoint.path().string(), "kind",
                          "analyse the checkpoint that they were made from");
}

// The first error of several workers; all of them stop at it.
class FirstError {
public:
    void set(base::Error error) {
        const std::lock_guard lock(m_mutex);
        if (!m_error) m_error = std::move(error);
        m_any = true;
    }
    [[nodiscard]] bool any() const { return m_any; }
    [[nodiscard]] const std::optional<base::Error>& get() const { return m_error; }

private:
    std::mutex m_mutex;
    std::atomic<bool> m_any{false};
    std::optional<base::Error> m_error;
};

base::Result<LayerReport> analyzeLinear(const models::Checkpoint& checkpoint,
                                        const models::LinearInfo& linear, const quant::LayerRecipe& recipe,
                                        int threads) {
    FAIRY2_ASSIGN(const auto weight, checkpoint.readFloat(linear.name + ".weight"));
    return quant::analyze(linear.name, {weight.data(), linear.rows, linear.cols}, recipe, threads);
}

} // namespace

base::Result<ModelAnalysis> analyzeModel(const models::Checkpoint& checkpoint,
                                         const quant::ModelRecipe& recipe, const std::string& glob,
                                         const base::Task& task) {
    FAIRY2_TRY(checkKind(checkpoint));
    ModelAnalysis analysis{checkpoint.displayName(), checkpoint.path(), recipe, {}, {}, 0, 0};
    std::vector<const models::LinearInfo*> linears;
    for (const auto& linear : checkpoint.linears()) {
        if (!quant::globMatches(glob, linear.name)) continue;
        if (!linear.quantizable)
            analysis.skipped.push_back({linear.name, linear.reason});
        else if (!recipe.forLayer(linear.name).quantizes())
            analysis.skipped.push_back({linear.name, "the recipe keeps it in full precision"});
        else
            linears.push_back(&linear);
    }
    if (linears.empty())
        return base::fail(base::ErrorCode::NotFound, fmt::format("no layer to analyse matches '{}'", glob),
                          checkpoint.path().string(), "--layer", "fairy2 inspect lists the layers");

    // Few layers share the cores inside each, many take one each.
    const auto count = static_cast<std::int64_t>(linears.size());
    const int inside = count < base::threadCount() ? 0 : 1;
    analysis.layers.resize(linears.size());
    FirstError failure;
    std::mutex reporting;
    std::int64_t done = 0;
    base::parallelFor(
        count,
        [&](std::int64_t i) {
            if (task.cancelled() || failure.any()) return;
            const auto at = static_cast<std::size_t>(i);
            auto report = analyzeLinear(checkpoint, *linears[at], recipe.forLayer(linears[at]->name), inside);
            if (!report) return failure.set(report.error());
            analysis.layers[at] = std::move(*report);
            const std::lock_guard lock(reporting);
            task.progress(++done, count, linears[at]->name);
        },
        inside == 0 ? 1 : 0);
    if (task.cancelled()) return base::cancelled();
    if (failure.get()) return tl::unexpected(*failure.get());

    double bits = 0;
    double weights = 0;
    double error = 0;
    double energy = 0;
    for (const auto& layer : analysis.layers) {
        const auto size = static_cast<double>(layer.rows) * static_cast<double>(layer.cols);
        bits += size * quant::bitsPerWeight(layer.rows, layer.cols, layer.recipe);
        weights += size;
        error += layer.relativeError * layer.energy;
        energy += layer.energy;
    }
    analysis.bitsPerWeight = bits / weights;
    analysis.relativeError = energy > 0 ? error / energy : 0;
    return analysis;
}

Json ModelAnalysis::toJson() const {
    auto list = Json::array();
    for (const auto& layer : layers)
        list.push_back(layer.toJson());
    auto left = Json::array();
    for (const auto& each : skipped)
        left.push_back({{"name", each.name}, {"reason", each.reason}});
    return {{"model", model},
            {"path", path.string()},
            {"recipe", recipe.toJson()},
            {"layers", std::move(list)},
            {"skipped", std::move(left)},
            {"bits_per_weight", bitsPerWeight},
            {"relative_error", relativeError}};
}

std::string ModelAnalysis::toCsv() const {
    std::string text = "layer,rows,cols,scale_granularity,stage,matrix,s_re,s_im,plus_one,plus_i,minus_one,"
                       "minus_i,entropy_bits,boundary_distance,residual_energy,sqnr_db\n";
    for (const auto& layer : layers) {
        for (std::size_t t = 0; t < layer.stages.size(); ++t) {
            const auto& stage = layer.stages[t];
            const auto line = [&](const char* matrix, const quant::StageStatistics& s) {
                text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", layer.name,
                                    layer.rows, layer.cols, name(layer.recipe.scale), t + 1, matrix, s.sRe,
                                    s.sIm, s.counts[0], s.counts[1], s.counts[2], s.counts[3], s.entropyBits,
                                    s.boundaryDistance, stage.residualEnergy, layer.sqnrDb);
            };
            line("U", stage.u);
            line("W", stage.w);
        }
    }
    return text;
}

} // namespace fairy2::eval
