// SPDX-License-Identifier: Apache-2.0
#include "models/layergrid.h"

#include "quant/analysis.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>
#include <map>

namespace fairy2::itemmodels {
namespace {

constexpr int kStages = 2;

double decibels(double energyLeft) {
    return energyLeft > 0 ? -10 * std::log10(energyLeft) : std::nan("");
}

} // namespace

std::optional<LayerPlace> placeOf(const std::string& linear) {
    // "model.layers.3.mlp.gate_proj"
    const QStringList parts = QString::fromStdString(linear).split(u'.');
    const auto layers = parts.indexOf(QStringLiteral("layers"));
    if (layers < 0 || layers + 2 >= parts.size()) return {};
    bool isNumber = false;
    const int block = parts[layers + 1].toInt(&isNumber);
    if (!isNumber) return {};
    QString projection = parts.constLast();
    if (projection.endsWith(QLatin1String("_proj"))) projection.chop(5);
    return LayerPlace{block, projection};
}

base::Result<LayerGrid> analyzeLayers(const models::Checkpoint& checkpoint, const base::Task& task) {
    LayerGrid grid;
    const auto& linears = checkpoint.linears();
    int blocks = 0;
    for (const auto& linear : linears) {
        const auto place = placeOf(linear.name);
        if (!place) continue;
        blocks = std::max(blocks, place->block + 1);
        if (!grid.projections.contains(place->projection)) grid.projections << place->projection;
    }
    for (int block = 0; block < blocks; ++block)
        grid.blocks << QCoreApplication::translate("LayerGrid", "block %1").arg(block);
    const auto cells = static_cast<std::size_t>(blocks * grid.projections.size());
    grid.w1.assign(cells, std::nan(""));
    grid.w2.assign(cells, std::nan(""));

    std::int64_t done = 0;
    for (const auto& linear : linears) {
        if (task.cancelled()) return base::cancelled();
        task.progress(done++, static_cast<std::int64_t>(linears.size()), linear.name);
        const auto place = placeOf(linear.name);
        if (!place || !linear.quantizable) continue;
        FAIRY2_ASSIGN(const auto weights, checkpoint.readFloat(linear.name + ".weight"));
        quant::LayerRecipe recipe;
        recipe.stages = kStages;
        FAIRY2_ASSIGN(const auto report,
                      quant::analyze(linear.name, {weights.data(), linear.rows, linear.cols}, recipe));
        if (report.stages.size() < kStages) continue;
        const auto at = static_cast<std::size_t>(place->block * grid.projections.size() +
                                                 grid.projections.indexOf(place->projection));
        grid.w1[at] = decibels(report.stages[0].residualEnergy);
        grid.w2[at] = decibels(report.stages[1].residualEnergy);
    }
    return grid;
}

} // namespace fairy2::itemmodels
