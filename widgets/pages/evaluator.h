// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/candidatesmodel.h"
#include "models/evaluation.h"
#include "shell/jobrunner.h"

#include <QObject>

namespace fairy2::shell {
class Workspace;
}

namespace fairy2::pages {

/// Rows of token ids to score.
struct TokenChoice {
    std::string file;
    std::string key;          ///< empty = the first
    std::int64_t maxRows = 0; ///< 0 = all
};

/// One evaluation to make.
struct EvaluationOrder {
    itemmodels::Candidate candidate;
    itemmodels::EvaluationMode mode;
    TokenChoice tokens;
};

/// Makes evaluations off the GUI thread and keeps each as a row of the registry; and reads those rows.
class Evaluator final : public QObject {
    Q_OBJECT
public:
    explicit Evaluator(shell::Workspace& workspace, QObject* parent = nullptr);

    /// Newest last, as the registry gives them.
    [[nodiscard]] const std::vector<itemmodels::Evaluation>& evaluations() const noexcept { return m_known; }
    [[nodiscard]] bool busy() const { return m_slot.busy(); }

public slots:
    /// Reads the registry's results again.
    void refresh();
    void cancel();

public:
    /// Evaluates one after the other; each result is saved as soon as it is there, so cancelling keeps those.
    void evaluate(std::vector<EvaluationOrder> orders);

signals:
    /// evaluations() is different now.
    void changed();
    void busyChanged();
    /// One could not be made; the others go on.
    void failed(const QString& label, const base::Error& error);

private:
    void save(const itemmodels::Evaluation& evaluation);

    shell::Workspace& m_workspace;
    std::vector<itemmodels::Evaluation> m_known;
    shell::JobSlot m_slot;
};

} // namespace fairy2::pages
