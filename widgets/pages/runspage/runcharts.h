// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/metricseries.h"

#include <QWidget>
#include <string>
#include <vector>

class QComboBox;
class QPushButton;

namespace fairy2::plots {
class CurvePlot;
}
namespace fairy2::shell {
class Card;
class SegmentedButtons;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::pages {

class MetricStore;

/// The live charts of the Runs page: the loss of all runs shown, and two charts of what else the trainer
/// measures. A run has its one colour in all of them; the selected one is drawn strong.
class RunCharts final : public QWidget {
    Q_OBJECT
public:
    explicit RunCharts(shell::Workspace& workspace, QWidget* parent = nullptr);

    /// The runs to draw (at most kMostRuns of them), the selected one among them or empty.
    void setRuns(std::vector<std::string> uuids, const std::string& selected);
    static constexpr std::size_t kMostRuns = 10;

signals:
    /// A curve was clicked.
    void runClicked(const QString& uuid);

private:
    /// A chart of one metric at a time, chosen by its segments.
    struct Chart {
        shell::Card* card = nullptr;
        plots::CurvePlot* plot = nullptr;
        shell::SegmentedButtons* metric = nullptr;
    };
    [[nodiscard]] Chart makeLoss();
    [[nodiscard]] Chart makeSide(const QString& name,
                                 const std::vector<std::pair<QString, QString>>& metrics);
    [[nodiscard]] QPushButton* makeToggle(const QString& id, const QString& text, const QString& toolTip);
    void draw();
    void drawRun(const std::string& uuid);
    void drawSeries(const Chart& chart, const std::string& uuid, const QString& metric);
    void applyAxes();
    void applySelection();
    [[nodiscard]] std::vector<const Chart*> charts() const;
    [[nodiscard]] itemmodels::Progress progress() const;

    shell::Workspace& m_workspace;
    MetricStore* m_metrics;
    Chart m_loss;
    Chart m_left;
    Chart m_right;
    shell::SegmentedButtons* m_progress = nullptr;
    QPushButton* m_logX = nullptr;
    QPushButton* m_logY = nullptr;
    QComboBox* m_smoothing = nullptr;
    std::vector<std::string> m_uuids;
    std::string m_selected;
};

} // namespace fairy2::pages
