// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/candidatesmodel.h"
#include "models/layergrid.h"
#include "models/qualitymodel.h"
#include "pages/evaluator.h"
#include "shell/page.h"

#include <QPointer>
#include <map>

class QComboBox;
class QDialog;
class QLabel;
class QPushButton;
class QStackedLayout;
class QStackedWidget;

namespace fairy2::itemmodels {
class ConfigDiffModel;
}
namespace fairy2::plots {
class CurvePlot;
class ScatterPlot;
} // namespace fairy2::plots
namespace fairy2::shell {
class Card;
class SegmentedButtons;
class TableView;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::pages {

class CandidateStore;
class HeatGrid;
class MetricStore;
class RunStore;

/// Two and more checkpoints next to each other: quality, loss against size, curves, configurations that
/// differ, and the layers of one of them after one and two stages.
class ComparePage final : public shell::Page {
    Q_OBJECT
public:
    explicit ComparePage(shell::Workspace& workspace, QWidget* parent = nullptr);

    [[nodiscard]] QString breadcrumb() const override;
    void activate() override;

private:
    /// What was read of a checkpoint, by its path.
    struct Known {
        std::string contentHash; ///< empty until it is computed
        itemmodels::EvaluationMode mode;
        itemmodels::ModelSize size;
        bool canBeAnalyzed = false; ///< its weights are not quantised yet
        QString failure;
    };
    [[nodiscard]] QWidget* makeEmpty();
    [[nodiscard]] QWidget* makeQuality();
    [[nodiscard]] QWidget* makeChart();
    [[nodiscard]] QWidget* makeConfig();
    [[nodiscard]] QWidget* makeLayers();
    void showCandidates();
    void takeRequests();
    void choose();
    void onChosen();
    void readChosen();
    void showQuality();
    void showScatter();
    void showCurves();
    void showChart();
    void showConfigs();
    void offerLayers();
    void analyze();
    void showLayers(const itemmodels::LayerGrid& grid);
    void evaluateMissing();
    void updateEvaluate();
    void copyMarkdown();
    [[nodiscard]] std::vector<itemmodels::QualityModel::TokenSet> wantedSets() const;
    [[nodiscard]] std::vector<EvaluationOrder> missing() const;

    shell::Workspace& m_workspace;
    RunStore& m_runs;
    CandidateStore& m_store;
    itemmodels::CandidatesModel* m_candidates;
    itemmodels::QualityModel* m_quality;
    itemmodels::ConfigDiffModel* m_configs;
    Evaluator* m_evaluator;
    MetricStore* m_metrics;
    std::map<QString, Known> m_known;
    std::vector<itemmodels::Candidate> m_chosen;
    bool m_choseDefault = false;
    shell::JobSlot m_reading;
    shell::JobSlot m_analyzing;
    QString m_analyzed; ///< path that the grid belongs to
    QPointer<QDialog> m_chooser;

    QStackedLayout* m_stack;
    shell::TableView* m_table = nullptr;
    shell::Card* m_qualityCard = nullptr;
    QPushButton* m_evaluate = nullptr;
    QLabel* m_failure = nullptr;
    shell::Card* m_chartCard = nullptr;
    shell::SegmentedButtons* m_chart = nullptr;
    shell::SegmentedButtons* m_size = nullptr;
    shell::SegmentedButtons* m_loss = nullptr;
    QStackedWidget* m_plots = nullptr;
    plots::ScatterPlot* m_scatter = nullptr;
    plots::CurvePlot* m_curves = nullptr;
    shell::Card* m_configCard = nullptr;
    shell::TableView* m_configTable = nullptr;
    shell::Card* m_layersCard = nullptr;
    QComboBox* m_layersOf = nullptr;
    QStackedWidget* m_layersStack = nullptr;
    QLabel* m_layersHint = nullptr;
    HeatGrid* m_grid = nullptr;
};

} // namespace fairy2::pages
