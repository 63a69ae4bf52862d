// SPDX-License-Identifier: Apache-2.0
#include "models/runrow.h"

#include "pack/exportplan.h"

#include "config/runspec.h"
#include "models/checkpoint.h"
#include "models/inspection.h"
#include "models/rowshape.h"

#include <algorithm>

namespace fairy2::itemmodels {
namespace {

constexpr double kFullPrecisionBits = 16;
constexpr std::size_t kCurvePoints = 48;

using Series = std::vector<std::pair<std::int64_t, double>>;

std::optional<double> last(const Series& series) {
    if (series.empty()) return {};
    return series.back().second;
}

std::optional<double> least(const Series& series) {
    if (series.empty()) return {};
    return std::min_element(series.begin(), series.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->second;
}

QList<double> thin(const Series& series) {
    QList<double> curve;
    const std::size_t points = std::min(kCurvePoints, series.size());
    curve.reserve(static_cast<qsizetype>(points));
    for (std::size_t i = 0; i < points; ++i) {
        const std::size_t at = points < 2 ? 0 : i * (series.size() - 1) / (points - 1);
        curve.push_back(series[at].second);
    }
    return curve;
}

// Exact where the base model can be opened; else what the codes alone cost, without scales.
std::optional<double> bitsPerWeight(const config::RunSpec& spec) {
    const auto model = models::Checkpoint::open(spec.modelPath);
    if (!model) return spec.recipe.defaults.quantizes() ? spec.recipe.defaults.stages : kFullPrecisionBits;
    if ((*model)->kind() != models::CheckpointKind::HuggingFace) return (*model)->storedBitsPerWeight();
    pack::ExportOptions packing;
    packing.recipe = spec.recipe;
    const auto plan = pack::planExport(**model, packing);
    return plan ? plan->bitsPerWeight : kFullPrecisionBits;
}

std::optional<double> tokensPerStep(const config::RunSpec& spec) {
    std::int64_t length = spec.sequenceLength;
    if (length <= 0) length = rowShape(spec.tokens, spec.tokensKey).value_or(RowShape{}).length;
    if (length <= 0) return {};
    return static_cast<double>(spec.microBatchSize * spec.gradientAccumulation * length * spec.worldSize);
}

// What follows from the configuration alone, which never changes.
void readConfiguration(RunRow& row) {
    const auto spec = config::RunSpec::fromConfig(row.summary.config);
    if (!spec) return;
    row.bitsPerWeight = bitsPerWeight(*spec);
    row.tokensPerStep = tokensPerStep(*spec);
}

base::Result<void> readFigures(const runs::Registry& registry, RunRow& row) {
    FAIRY2_ASSIGN(const auto loss, registry.metric(row.summary.uuid, tags::kLoss));
    FAIRY2_ASSIGN(const auto validation, registry.metric(row.summary.uuid, tags::kValidationLoss));
    FAIRY2_ASSIGN(const auto speed, registry.metric(row.summary.uuid, tags::kSpeed));
    row.loss = last(loss);
    row.bestLoss = least(loss);
    row.validationLoss = last(validation);
    row.bestValidationLoss = least(validation);
    row.tokensPerSecond = last(speed);
    row.curve = thin(loss);
    return {};
}

} // namespace

double RunRow::progress() const noexcept {
    if (summary.maxSteps <= 0) return 0;
    return std::clamp(static_cast<double>(summary.step) / static_cast<double>(summary.maxSteps), 0.0, 1.0);
}

std::string displayName(const runs::RunSummary& summary) {
    return summary.annotations.name.empty() ? summary.uuid.substr(0, 8) : summary.annotations.name;
}

base::Result<std::vector<RunRow>> RunRowReader::read(const runs::Registry& registry, bool withArchived) {
    FAIRY2_ASSIGN(auto summaries, registry.runs(true));
    std::stable_sort(summaries.begin(), summaries.end(),
                     [](const auto& a, const auto& b) { return a.created < b.created; });
    std::vector<RunRow> rows;
    int age = 0;
    for (auto& summary : summaries) {
        // A run whose colour nobody chose takes its place in the order of creation, which never changes.
        const int color = summary.annotations.color >= 0 ? summary.annotations.color : age;
        ++age;
        if (summary.annotations.archived && !withArchived) continue;
        auto& known = m_rows[summary.uuid];
        const bool isNew = known.summary.uuid.empty();
        const bool grown =
            isNew || known.summary.updated != summary.updated || known.summary.step != summary.step;
        known.color = color;
        known.summary = std::move(summary);
        if (isNew) readConfiguration(known);
        if (grown) FAIRY2_TRY(readFigures(registry, known));
        rows.push_back(known);
    }
    std::reverse(rows.begin(), rows.end());
    return rows;
}

} // namespace fairy2::itemmodels
