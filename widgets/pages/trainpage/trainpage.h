// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/overridelist.h"
#include "models/trainingplan.h"
#include "shell/jobrunner.h"
#include "shell/page.h"

#include <QTimer>

class QButtonGroup;
class QComboBox;
class QGridLayout;
class QHBoxLayout;
class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QPushButton;
class QTreeView;

namespace fairy2::itemmodels {
class ConfigFilterModel;
class ConfigTreeModel;
} // namespace fairy2::itemmodels

namespace fairy2::shell {
class Card;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::pages {

/// Chooses what to train and starts it. The overrides box is the one truth: presets, fields and the tree only
/// edit its text, and a worker resolves it after every change.
class TrainPage final : public shell::Page {
    Q_OBJECT
public:
    explicit TrainPage(shell::Workspace& workspace, QWidget* parent = nullptr);

    [[nodiscard]] QString breadcrumb() const override;
    void activate() override;

    /// The line that "Copy as command" puts on the clipboard.
    [[nodiscard]] QString command() const { return m_list.command(); }

public slots:
    /// Sets each "key=value" in the box, keeping what else stands there.
    void addOverrides(const QStringList& overrides);

private:
    [[nodiscard]] QWidget* makePresets();
    [[nodiscard]] QWidget* makeConfiguration();
    [[nodiscard]] QWidget* makeRun();
    [[nodiscard]] QWidget* makeOverrides();
    [[nodiscard]] QWidget* makeEstimate();
    [[nodiscard]] QWidget* makeStart();
    void loadPresets();
    void showPresets(const std::vector<std::string>& options);
    void setOverride(const std::string& key, const std::string& value);
    void setField(const std::string& key, const QString& text);
    void onTextChanged();
    void writeText();
    void resolve();
    void showPlan(itemmodels::TrainingPlan plan);
    void showEstimate();
    void showProblem(const QString& sentence, const QString& key);
    void showFields();
    void updateStart();
    void offerModels();
    void pickTokens();
    void copyCommand();
    void start();

    shell::Workspace& m_workspace;
    itemmodels::OverrideList m_list;
    itemmodels::TrainingPlan m_plan;
    bool m_planIsOld = true;
    bool m_presetsAsked = false;
    QString m_problem;
    QTimer m_pause; ///< between the last keystroke and the resolution
    shell::JobSlot m_resolving;
    shell::JobSlot m_starting;

    itemmodels::ConfigTreeModel* m_tree;
    itemmodels::ConfigFilterModel* m_shownTree;
    QButtonGroup* m_presets;
    QHBoxLayout* m_presetRow = nullptr;
    shell::Card* m_configCard = nullptr;
    shell::Card* m_estimateCard = nullptr;
    QTreeView* m_treeView = nullptr;
    QComboBox* m_model = nullptr;
    QLineEdit* m_tokens = nullptr;
    QLineEdit* m_name = nullptr;
    QPlainTextEdit* m_text = nullptr;
    QLabel* m_problemLabel = nullptr;
    QGridLayout* m_estimate = nullptr;
    QLabel* m_reason = nullptr;
    QPushButton* m_start = nullptr;
};

} // namespace fairy2::pages
