// SPDX-License-Identifier: Apache-2.0
#include "pages/modelspage/layeranalysis.h"

namespace fairy2::pages {
namespace {

base::Result<int> analyzeAll(const models::Checkpoint& checkpoint, const quant::LayerRecipe& recipe,
                             const shell::JobControl& control,
                             const std::function<void(int, quant::LayerReport)>& deliver) {
    const auto& linears = checkpoint.linears();
    int analyzed = 0;
    for (std::size_t i = 0; i < linears.size(); ++i) {
        const auto& linear = linears[i];
        if (control.task().cancelled()) return base::cancelled();
        control.task().progress(static_cast<std::int64_t>(i), static_cast<std::int64_t>(linears.size()),
                                linear.name);
        if (!linear.quantizable) continue;
        FAIRY2_ASSIGN(const auto weight, checkpoint.readFloat(linear.name + ".weight"));
        FAIRY2_ASSIGN(auto report,
                      quant::analyze(linear.name, {weight.data(), linear.rows, linear.cols}, recipe));
        deliver(static_cast<int>(i), std::move(report));
        ++analyzed;
    }
    return analyzed;
}

} // namespace

LayerAnalysis::LayerAnalysis(shell::JobRunner& jobs, QObject* parent) : QObject(parent), m_jobs(jobs) {}

void LayerAnalysis::setCheckpoint(std::shared_ptr<const models::Checkpoint> checkpoint) {
    m_checkpoint = std::move(checkpoint);
    m_states.clear();
    emit reset();
    start();
}

void LayerAnalysis::setScale(quant::ScaleGranularity scale) {
    if (scale == m_scale) return;
    m_scale = scale;
    emit reset();
    start();
}

const quant::LayerReport* LayerAnalysis::report(int layer) const {
    const auto state = m_states.find(m_scale);
    if (state == m_states.end() || layer < 0 ||
        static_cast<std::size_t>(layer) >= state->second.reports.size())
        return nullptr;
    const auto& report = state->second.reports[static_cast<std::size_t>(layer)];
    return report ? &*report : nullptr;
}

bool LayerAnalysis::isComplete() const {
    const auto state = m_states.find(m_scale);
    return state != m_states.end() && state->second.complete;
}

void LayerAnalysis::start() {
    m_slot.clear();
    if (m_checkpoint == nullptr) return;
    auto& state = m_states[m_scale];
    if (state.complete) {
        emit completed();
        return;
    }
    state.reports.assign(m_checkpoint->linears().size(), std::nullopt);
    quant::LayerRecipe recipe;
    recipe.stages = kStages;
    recipe.scale = m_scale;
    m_jobs.run<int>(
        tr("Analysing %n layer(s)", nullptr, static_cast<int>(m_checkpoint->linears().size())), this,
        [this, checkpoint = m_checkpoint, recipe](const shell::JobControl& control) {
            return analyzeAll(
                *checkpoint, recipe, control, [this, &control, recipe](int layer, quant::LayerReport report) {
                    // Delivered on the GUI thread, and only while this job is the newest: `this` is the
                    // context.
                    control.post([this, layer, scale = recipe.scale, report = std::move(report)]() mutable {
                        m_states[scale].reports[static_cast<std::size_t>(layer)] = std::move(report);
                        emit reportReady(layer);
                    });
                });
        },
        [this](const base::Result<int>& analyzed) {
            if (!analyzed) {
                emit failed(analyzed.error());
                return;
            }
            m_states[m_scale].complete = true;
            emit completed();
        },
        &m_slot);
}

} // namespace fairy2::pages
