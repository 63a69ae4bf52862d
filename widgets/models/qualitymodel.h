// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/evaluation.h"

#include <QAbstractTableModel>
#include <vector>

namespace fairy2::itemmodels {

/// Checkpoints against sets of tokens: bits, one column a set with its loss or perplexity, bytes. The cell of
/// an evaluation that has not been made is a dash.
class QualityModel final : public QAbstractTableModel {
    Q_OBJECT
public:
    struct Subject {
        QString label;
        int color = -1;
        std::string contentHash; ///< empty while it is being computed
        EvaluationMode mode;
        ModelSize size;
    };
    /// One set of token rows.
    struct TokenSet {
        std::string tokens;
        std::string key;
        std::int64_t maxRows = 0;           ///< 0 = all
        [[nodiscard]] QString name() const; ///< without the folder: "web", "val_tokens, 20 rows"
        bool operator==(const TokenSet&) const = default;
    };
    enum class Metric { Loss, Perplexity };
    using QAbstractTableModel::QAbstractTableModel;

    void setSubjects(std::vector<Subject> subjects);
    /// All evaluations known; of repeated ones the latest counts. Columns are the sets that a subject has.
    void setEvaluations(const std::vector<Evaluation>& evaluations);
    void setMetric(Metric metric);

    [[nodiscard]] const std::vector<Subject>& subjects() const noexcept { return m_subjects; }
    [[nodiscard]] const std::vector<TokenSet>& tokenSets() const noexcept { return m_sets; }
    /// The evaluation of a subject on a set, or null.
    [[nodiscard]] const Evaluation* evaluation(int subject, const TokenSet& set) const noexcept;
    /// Mean loss over the sets that every subject has; nothing when this subject lacks one.
    [[nodiscard]] std::optional<double> meanLoss(int subject) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    enum FixedColumn { Label, Bits, FixedBefore };
    void arrange();
    [[nodiscard]] const TokenSet* setOfColumn(int column) const;
    [[nodiscard]] std::optional<double> value(int row, int column) const;
    [[nodiscard]] bool isBest(int row, int column) const;

    std::vector<Subject> m_subjects;
    std::vector<Evaluation> m_evaluations;
    std::vector<TokenSet> m_sets;
    Metric m_metric = Metric::Loss;
};

} // namespace fairy2::itemmodels
