// SPDX-License-Identifier: Apache-2.0
#include "models/qualitymodel.h"

#include "models/figuretext.h"
#include "models/roles.h"
#include "shell/colors.h"

#include <QFont>
#include <algorithm>

namespace fairy2::itemmodels {
namespace {

constexpr double kMegabyte = 1e6;

bool belongs(const Evaluation& evaluation, const QualityModel::Subject& subject) {
    return !subject.contentHash.empty() && evaluation.contentHash == subject.contentHash &&
           evaluation.mode == subject.mode;
}

QualityModel::TokenSet setOf(const Evaluation& evaluation) {
    return {evaluation.tokens, evaluation.key, evaluation.maxRows};
}

} // namespace

QString QualityModel::TokenSet::name() const {
    const QString base = QString::fromStdString(key.empty() ? base::Path(tokens).stem().string() : key);
    return maxRows == 0 ? base
                        : QualityModel::tr("%1, %n row(s)", nullptr, static_cast<int>(maxRows)).arg(base);
}

void QualityModel::setSubjects(std::vector<Subject> subjects) {
    beginResetModel();
    m_subjects = std::move(subjects);
    arrange();
    endResetModel();
}

void QualityModel::setEvaluations(const std::vector<Evaluation>& evaluations) {
    beginResetModel();
    m_evaluations = evaluations;
    // Latest first, so that the first one found is the one that counts.
    std::stable_sort(m_evaluations.begin(), m_evaluations.end(),
                     [](const auto& a, const auto& b) { return a.wallTime > b.wallTime; });
    arrange();
    endResetModel();
}

void QualityModel::setMetric(Metric metric) {
    if (metric == m_metric) return;
    m_metric = metric;
    if (!m_subjects.empty() && !m_sets.empty())
        emit dataChanged(index(0, FixedBefore), index(rowCount() - 1, columnCount() - 2));
}

void QualityModel::arrange() {
    m_sets.clear();
    for (const auto& evaluation : m_evaluations) {
        const auto set = setOf(evaluation);
        const bool wanted = std::any_of(m_subjects.begin(), m_subjects.end(),
                                        [&](const Subject& subject) { return belongs(evaluation, subject); });
        if (wanted && std::find(m_sets.begin(), m_sets.end(), set) == m_sets.end()) m_sets.push_back(set);
    }
    std::sort(m_sets.begin(), m_sets.end(), [](const auto& a, const auto& b) {
        return std::tie(a.tokens, a.key, a.maxRows) < std::tie(b.tokens, b.key, b.maxRows);
    });
}

const Evaluation* QualityModel::evaluation(int subject, const TokenSet& set) const noexcept {
    const auto& wanted = m_subjects[static_cast<std::size_t>(subject)];
    const auto found =
        std::find_if(m_evaluations.begin(), m_evaluations.end(), [&](const Evaluation& evaluation) {
            return belongs(evaluation, wanted) && setOf(evaluation) == set;
        });
    return found == m_evaluations.end() ? nullptr : &*found;
}

std::optional<double> QualityModel::meanLoss(int subject) const {
    double sum = 0;
    int sets = 0;
    for (const auto& set : m_sets) {
        const auto known = [&](int row) { return evaluation(row, set) != nullptr; };
        bool everybody = true;
        for (int row = 0; row < rowCount(); ++row)
            everybody = everybody && known(row);
        if (!everybody) continue;
        sum += evaluation(subject, set)->result.natsPerToken;
        ++sets;
    }
    if (sets == 0) return {};
    return sum / sets;
}

int QualityModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_subjects.size());
}

int QualityModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : FixedBefore + static_cast<int>(m_sets.size()) + 1;
}

const QualityModel::TokenSet* QualityModel::setOfColumn(int column) const {
    const int at = column - FixedBefore;
    return at < 0 || at >= static_cast<int>(m_sets.size()) ? nullptr : &m_sets[static_cast<std::size_t>(at)];
}

std::optional<double> QualityModel::value(int row, int column) const {
    const auto& subject = m_subjects[static_cast<std::size_t>(row)];
    if (column == Bits) return subject.size.bitsPerWeight;
    if (column == columnCount() - 1) return subject.size.bytes / kMegabyte;
    const auto* set = setOfColumn(column);
    const auto* found = set == nullptr ? nullptr : evaluation(row, *set);
    if (found == nullptr) return {};
    return m_metric == Metric::Loss ? found->result.natsPerToken : found->result.perplexity;
}

bool QualityModel::isBest(int row, int column) const {
    if (setOfColumn(column) == nullptr || rowCount() < 2) return false;
    const auto mine = value(row, column);
    if (!mine) return false;
    for (int other = 0; other < rowCount(); ++other)
        if (value(other, column).value_or(*mine) < *mine) return false;
    return true;
}

QVariant QualityModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& subject = m_subjects[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        if (column == Label) return subject.label;
        if (column == Bits) return figureText(subject.size.bitsPerWeight, 2);
        if (column == columnCount() - 1)
            return figureText(value(index.row(), column), subject.size.bytes < 10 * kMegabyte ? 3 : 1);
        return figureText(value(index.row(), column), 3);
    case Qt::ToolTipRole: {
        const auto* set = setOfColumn(column);
        const auto* found = set == nullptr ? nullptr : evaluation(index.row(), *set);
        if (set != nullptr && found == nullptr) return tr("not evaluated yet");
        if (found == nullptr) return {};
        return tr("%1 ± %2 nats per token over %3 tokens, preset %4")
            .arg(figureText(found->result.natsPerToken, 4), figureText(found->result.standardError, 4),
                 shell::countText(found->result.tokensScored), QString::fromStdString(found->result.preset));
    }
    case Qt::TextAlignmentRole:
        return alignment(column != Label);
    case Qt::FontRole: {
        if (!isBest(index.row(), column)) return {};
        QFont font;
        font.setBold(true);
        return font;
    }
    case RawRole: {
        if (column == Label) return subject.label;
        const auto raw = value(index.row(), column);
        return raw ? QVariant(*raw) : QVariant();
    }
    case SwatchRole:
        return column == Label ? QVariant(shell::runColor(subject.color)) : QVariant();
    default:
        return {};
    }
}

QVariant QualityModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount()) return {};
    if (role == Qt::TextAlignmentRole) return alignment(section != Label);
    const auto* set = setOfColumn(section);
    if (role == Qt::ToolTipRole && set != nullptr) return QString::fromStdString(set->tokens);
    if (role != Qt::DisplayRole) return {};
    if (section == Label) return tr("checkpoint");
    if (section == Bits) return tr("bits/weight");
    if (set == nullptr) return tr("MB");
    return set->name();
}

} // namespace fairy2::itemmodels
