// SPDX-License-Identifier: Apache-2.0
#include "pages/modelspage/phasepanel.h"

#include "models/layersmodel.h"
#include "plots/densityplot.h"
#include "shell/format.h"
#include "shell/segmentedbuttons.h"

#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

constexpr int kCachedPlanes = 32;

// Enough bins to see structure, few enough that a bin of the core holds many entries.
int binsFor(std::int64_t entries) {
    return std::clamp(static_cast<int>(std::sqrt(static_cast<double>(entries)) * 0.9), 64, 384);
}

bool isQuantizedAlready(const models::Checkpoint& checkpoint) {
    return checkpoint.kind() == models::CheckpointKind::Baked ||
           checkpoint.kind() == models::CheckpointKind::Packed;
}

} // namespace

PhasePanel::PhasePanel(shell::JobRunner& jobs, QWidget* parent)
    : Card(tr("Phase plane"), parent), m_jobs(jobs), m_stages(new shell::SegmentedButtons(tr("Stage"))),
      m_scales(new shell::SegmentedButtons(tr("Scale granularity"))),
      m_plot(new plots::DensityPlot(tr("Phase plane"))), m_cache(kCachedPlanes) {
    setObjectName(u"phasePanel"_s);
    m_stages->setObjectName(u"stageButtons"_s);
    m_stages->addOption(u"0"_s, tr("weights"), tr("The entries of U and W"));
    m_stages->addOption(u"1"_s, tr("after stage 1"), tr("What W1 leaves for the second stage"));
    m_stages->addOption(u"2"_s, tr("after stage 2"), tr("What W2 leaves"));
    m_scales->setObjectName(u"scaleButtons"_s);
    m_scales->addOption(u"tensor"_s, tr("tensor"), tr("One pair of scales for all of U, one for all of W"));
    m_scales->addOption(u"row"_s, tr("row"), tr("One pair of scales for every complex row"));
    m_scales->addOption(u"tile64"_s, tr("tile64"), tr("One pair of scales for every 64×64 complex entries"));
    addHeaderWidget(m_stages);
    addHeaderWidget(m_scales);
    m_plot->setObjectName(u"phasePlot"_s);
    setContent(m_plot);
    connect(m_stages, &shell::SegmentedButtons::chosen, this, [this] {
        load();
        emit stageChosen(stage());
    });
    connect(m_scales, &shell::SegmentedButtons::chosen, this, [this] {
        load();
        emit scaleChosen(scale());
    });
}

int PhasePanel::stage() const {
    return m_stages->current().toInt();
}

quant::ScaleGranularity PhasePanel::scale() const {
    return quant::parseScaleGranularity(m_scales->current().toStdString())
        .value_or(quant::ScaleGranularity::Tensor);
}

void PhasePanel::setCheckpoint(std::shared_ptr<const models::Checkpoint> checkpoint) {
    m_slot.clear();
    m_cache.clear();
    m_checkpoint = std::move(checkpoint);
    m_layer = -1;
    m_plot->clear();
    m_plot->resetView();
    setTitle(tr("Phase plane"));
    setSubtitle({});
}

void PhasePanel::setLayer(int layer) {
    if (m_checkpoint == nullptr || layer == m_layer) return;
    m_layer = layer;
    m_plot->resetView();
    load();
}

void PhasePanel::load() {
    if (m_checkpoint == nullptr || m_layer < 0) return;
    const auto linear = m_checkpoint->linears()[static_cast<std::size_t>(m_layer)];
    setTitle(itemmodels::LayersModel::shortName(linear.name));
    if (!linear.quantizable) {
        m_slot.clear();
        setSubtitle({});
        m_plot->setEmptyText(tr("Kept in full precision: %1").arg(QString::fromStdString(linear.reason)));
        show(nullptr);
        return;
    }
    const QString key = u"%1/%2/%3"_s.arg(m_layer).arg(stage()).arg(m_scales->current());
    if (const auto* cached = m_cache.object(key)) {
        m_slot.clear();
        show(*cached);
        return;
    }
    quant::LayerRecipe recipe;
    recipe.stages = std::max(1, stage() + 1);
    recipe.scale = scale();
    const int bins = binsFor(linear.rows * linear.cols / 4);
    m_jobs.run<std::shared_ptr<const quant::PhasePlane>>(
        tr("Phase plane of %1").arg(title()), this,
        [checkpoint = m_checkpoint, linear, recipe, stage = stage(),
         bins](const shell::JobControl&) -> base::Result<std::shared_ptr<const quant::PhasePlane>> {
            FAIRY2_ASSIGN(const auto weight, checkpoint->readFloat(linear.name + ".weight"));
            FAIRY2_ASSIGN(auto plane,
                          quant::phasePlane({weight.data(), linear.rows, linear.cols}, recipe, stage, bins));
            return std::make_shared<const quant::PhasePlane>(std::move(plane));
        },
        [this, key](const base::Result<std::shared_ptr<const quant::PhasePlane>>& plane) {
            if (!plane) {
                m_plot->setEmptyText(QString::fromStdString(plane.error().sentence()));
                show(nullptr);
                return;
            }
            m_cache.insert(key, new std::shared_ptr<const quant::PhasePlane>(*plane));
            show(*plane);
        },
        &m_slot, shell::JobRunner::Visibility::Quiet);
}

void PhasePanel::show(const std::shared_ptr<const quant::PhasePlane>& plane) {
    m_plot->setPlane(plane);
    if (plane != nullptr) {
        const auto& linear = m_checkpoint->linears()[static_cast<std::size_t>(m_layer)];
        QString what = tr("log density, 2 × %1").arg(shell::countText(linear.rows * linear.cols / 4));
        if (isQuantizedAlready(*m_checkpoint)) what = tr("already quantised · ") + what;
        setSubtitle(what);
    }
    emit planeShown();
}

} // namespace fairy2::pages
