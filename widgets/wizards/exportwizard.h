// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/candidatesmodel.h"
#include "pack/exporter.h"
#include "shell/jobrunner.h"
#include "wizards/exportcheck.h"

#include <QDialog>

class QButtonGroup;
class QCheckBox;
class QComboBox;
class QGridLayout;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QStackedWidget;

namespace fairy2::shell {
class SegmentedButtons;
class TableView;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::wizards {

class StepList;

/// Source → format and options → check → write → result. Nothing is written before the last "Write", and a
/// cancelled write leaves nothing.
class ExportWizard final : public QDialog {
    Q_OBJECT
public:
    /// `path`: the checkpoint to begin with; empty = the one open now.
    ExportWizard(shell::Workspace& workspace, QWidget* parent, const QString& path);

    enum Step { Source, Options, Check, Write, Result, StepCount };
    [[nodiscard]] Step step() const noexcept { return m_step; }
    /// What was written, once it was.
    [[nodiscard]] const std::optional<pack::ExportReport>& report() const noexcept { return m_report; }

public slots:
    void next();
    void back();
    void reject() override;

private:
    [[nodiscard]] QWidget* makeSource();
    [[nodiscard]] QWidget* makeOptions();
    [[nodiscard]] QWidget* makeCheck();
    [[nodiscard]] QWidget* makeWrite();
    [[nodiscard]] QWidget* makeResult();
    void show(Step step);
    void updateButtons();
    void showCandidates();
    void choose(const QString& path);
    void showSource();
    void showPrediction();
    void suggestFolder();
    void runCheck();
    void showCheck(const ExportCheck& check);
    void confirmAndWrite();
    void write(bool overwrite);
    void showResult();
    void record();
    [[nodiscard]] pack::ExportOptions options() const;
    [[nodiscard]] quant::ModelRecipe recipe() const;
    [[nodiscard]] bool choosesRecipe() const;
    [[nodiscard]] QString obstacle() const; ///< why "Next" is not possible, or empty

    shell::Workspace& m_workspace;
    Step m_step = Source;
    QString m_path;
    std::shared_ptr<const models::Checkpoint> m_source;
    std::optional<pack::ExportReport> m_report;
    bool m_folderTyped = false;
    bool m_checked = false; ///< with the options as they are
    QString m_failure;      ///< of the step shown
    shell::JobSlot m_opening;
    shell::JobSlot m_checking;
    shell::JobSlot m_writing;

    StepList* m_steps;
    QStackedWidget* m_stack;
    QPushButton* m_back;
    QPushButton* m_next;
    QPushButton* m_cancel;
    QLabel* m_reason;
    itemmodels::CandidatesModel* m_candidates;
    shell::TableView* m_table = nullptr;
    QLabel* m_sourceText = nullptr;
    QButtonGroup* m_format = nullptr;
    shell::SegmentedButtons* m_stages = nullptr;
    shell::SegmentedButtons* m_scale = nullptr;
    QCheckBox* m_head = nullptr;
    QLabel* m_recipeText = nullptr;
    QGridLayout* m_prediction = nullptr;
    QLineEdit* m_folder = nullptr;
    QLineEdit* m_tokens = nullptr;
    QLabel* m_checkTitle = nullptr;
    QGridLayout* m_checkRows = nullptr;
    QLabel* m_writeText = nullptr;
    QProgressBar* m_progress = nullptr;
    QLabel* m_resultTitle = nullptr;
    QGridLayout* m_resultRows = nullptr;
};

} // namespace fairy2::wizards
