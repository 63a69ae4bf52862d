// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/runrow.h"
#include "pages/runspage/runtail.h"
#include "shell/jobrunner.h"

#include <QFrame>
#include <memory>

class QAction;
class QGridLayout;
class QLabel;
class QPlainTextEdit;
class QPushButton;
class QStackedLayout;

namespace fairy2::itemmodels {
class CheckpointsModel;
}
namespace fairy2::shell {
class Card;
class Pill;
class TableView;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::pages {

class ColorDisc;
class MetricStore;

/// What a researcher asks first about the selected run: state, ETA, loss, speed, flips; what can be done to
/// it; its checkpoints; the layers that flip most; the end of its console.
class RunPanel final : public QFrame {
    Q_OBJECT
public:
    explicit RunPanel(shell::Workspace& workspace, QWidget* parent = nullptr);

    /// The run now shown, or null. Cheap when nothing changed.
    void setRun(const itemmodels::RunRow* row);

private:
    [[nodiscard]] QWidget* makeSummary();
    [[nodiscard]] QWidget* makeCheckpoints();
    void showSummary();
    void showCheckpoints();
    void showTail(const RunTail::News& news);
    void readTail();
    void stop();
    void resume();
    void editNote();
    void editTags();
    void rename();
    void archive();
    void verify();
    [[nodiscard]] QString selectedCheckpoint() const;
    void act(const QString& title, std::function<base::Result<void>(const runs::RunDirectory&)> action);

    shell::Workspace& m_workspace;
    std::optional<itemmodels::RunRow> m_row;
    MetricStore* m_metrics;
    std::shared_ptr<RunTail> m_tail;
    shell::JobSlot m_reading;
    shell::JobSlot m_acting;
    shell::JobSlot m_verifying;

    QStackedLayout* m_stack;
    shell::Card* m_card;
    ColorDisc* m_disc;
    shell::Pill* m_state = nullptr;
    QLabel* m_reason = nullptr;
    QLabel* m_progress = nullptr;
    QLabel* m_loss = nullptr;
    QLabel* m_speed = nullptr;
    QLabel* m_flips = nullptr;
    QLabel* m_note = nullptr;
    QPushButton* m_stop = nullptr;
    QPushButton* m_resume = nullptr;
    QAction* m_archive = nullptr;
    itemmodels::CheckpointsModel* m_checkpoints;
    shell::TableView* m_table = nullptr;
    QWidget* m_checkpointButtons = nullptr;
    QLabel* m_noCheckpoints = nullptr;
    QLabel* m_layersTitle = nullptr;
    QGridLayout* m_layers = nullptr;
    QPlainTextEdit* m_console = nullptr;
};

} // namespace fairy2::pages
