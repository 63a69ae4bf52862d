// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pages/evaluatepage/answer.h"
#include "pages/evaluator.h"
#include "shell/page.h"

#include <memory>

class QCheckBox;
class QComboBox;
class QHBoxLayout;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace fairy2::itemmodels {
class EvaluationsModel;
}
namespace fairy2::shell {
class Card;
class TableView;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::pages {

class AnswerView;
class CandidateStore;

/// Chosen checkpoints side by side: their loss on a set of tokens, kept in the registry; and one prompt that
/// up to four of them answer.
class EvaluatePage final : public shell::Page {
    Q_OBJECT
public:
    explicit EvaluatePage(shell::Workspace& workspace, QWidget* parent = nullptr);
    ~EvaluatePage() override;

    [[nodiscard]] QString breadcrumb() const override;
    void activate() override;

private:
    [[nodiscard]] QWidget* makeChoice();
    [[nodiscard]] QWidget* makeResults();
    [[nodiscard]] QWidget* makePrompt();
    void showCandidates();
    void takeRequests();
    void setTokens(const QString& file);
    void evaluate();
    void showEvaluations();
    void updateButtons();
    void generate();
    void finishAnswer(std::size_t column, const Answer& answer);
    void stopGenerating();
    [[nodiscard]] std::vector<itemmodels::EvaluationMode> modes() const;
    [[nodiscard]] std::vector<Speaker> speakers() const;
    [[nodiscard]] bool generating() const;

    shell::Workspace& m_workspace;
    CandidateStore& m_store;
    itemmodels::CandidatesModel* m_candidates;
    itemmodels::EvaluationsModel* m_results;
    Evaluator* m_evaluator;
    shell::JobSlot m_readingKeys;

    shell::Card* m_resultsCard = nullptr;
    std::vector<std::pair<QCheckBox*, itemmodels::EvaluationMode>> m_modes;
    QLineEdit* m_tokens = nullptr;
    QComboBox* m_key = nullptr;
    QSpinBox* m_rows = nullptr;
    shell::TableView* m_table = nullptr;
    QPushButton* m_evaluate = nullptr;
    QLabel* m_failure = nullptr;
    QLineEdit* m_prompt = nullptr;
    QSpinBox* m_length = nullptr;
    QPushButton* m_generate = nullptr;
    QHBoxLayout* m_columns = nullptr;
    std::vector<AnswerView*> m_answers;
    std::vector<std::unique_ptr<shell::JobSlot>> m_generating; ///< one a column
};

} // namespace fairy2::pages
