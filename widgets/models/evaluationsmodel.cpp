// SPDX-License-Identifier: Apache-2.0
#include "models/evaluationsmodel.h"

#include "models/figuretext.h"
#include "models/roles.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <algorithm>

namespace fairy2::itemmodels {
namespace {

bool isText(int column) {
    return column <= EvaluationsModel::Tokens || column == EvaluationsModel::Preset;
}

QString tokensText(const Evaluation& evaluation) {
    const QString file = QString::fromStdString(base::Path(evaluation.tokens).filename().string());
    const QString name =
        evaluation.key.empty() ? file : file + QStringLiteral(" · ") + QString::fromStdString(evaluation.key);
    return evaluation.maxRows == 0
               ? name
               : EvaluationsModel::tr("%1, first %n row(s)", nullptr, static_cast<int>(evaluation.maxRows))
                     .arg(name);
}

QVariant raw(const Evaluation& evaluation, int column) {
    switch (column) {
    case EvaluationsModel::Loss:
        return evaluation.result.natsPerToken;
    case EvaluationsModel::StandardError:
        return evaluation.result.standardError;
    case EvaluationsModel::Perplexity:
        return evaluation.result.perplexity;
    case EvaluationsModel::Scored:
        return QVariant::fromValue<qlonglong>(evaluation.result.tokensScored);
    case EvaluationsModel::Bits:
        return evaluation.bitsPerWeight;
    case EvaluationsModel::Bytes:
        return evaluation.bytes;
    default:
        return {};
    }
}

} // namespace

QString modeText(const EvaluationMode& mode) {
    if (!mode.stages) return QCoreApplication::translate("EvaluationMode", "as stored");
    if (*mode.stages == 0) return QCoreApplication::translate("EvaluationMode", "full precision");
    return QStringLiteral("W%1").arg(*mode.stages);
}

void EvaluationsModel::setEvaluations(std::vector<Evaluation> evaluations) {
    beginResetModel();
    m_evaluations = std::move(evaluations);
    std::stable_sort(m_evaluations.begin(), m_evaluations.end(),
                     [](const auto& a, const auto& b) { return a.wallTime > b.wallTime; });
    endResetModel();
}

int EvaluationsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_evaluations.size());
}

int EvaluationsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QString EvaluationsModel::text(const Evaluation& evaluation, int column) const {
    switch (column) {
    case Checkpoint:
        return QString::fromStdString(evaluation.label);
    case Mode:
        return modeText(evaluation.mode);
    case Tokens:
        return tokensText(evaluation);
    case Loss:
        return figureText(evaluation.result.natsPerToken, 4);
    case StandardError:
        return figureText(evaluation.result.standardError, 4);
    case Perplexity:
        return figureText(evaluation.result.perplexity, 3);
    case Scored:
        return shell::countText(evaluation.result.tokensScored);
    case Bits:
        return figureText(evaluation.bitsPerWeight, 2);
    case Bytes:
        return shell::bytesText(static_cast<std::uint64_t>(evaluation.bytes));
    case Preset:
        return QString::fromStdString(evaluation.result.preset);
    default:
        return {};
    }
}

QVariant EvaluationsModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const auto& at = evaluation(index.row());
    switch (role) {
    case Qt::DisplayRole:
        return text(at, index.column());
    case Qt::ToolTipRole: {
        const auto when = QDateTime::fromMSecsSinceEpoch(static_cast<qint64>(at.wallTime * 1000));
        return tr("%1\nevaluated %2 on the %3 engine")
            .arg(QString::fromStdString(at.path), QLocale().toString(when, QLocale::ShortFormat),
                 QString::fromStdString(at.result.engine));
    }
    case Qt::TextAlignmentRole:
        return alignment(!isText(index.column()));
    case RawRole: {
        const QVariant value = raw(at, index.column());
        return value.isValid() ? value : text(at, index.column());
    }
    case IdRole:
        return QString::fromStdString(at.contentHash);
    default:
        return {};
    }
}

QVariant EvaluationsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) return alignment(!isText(section));
    if (role != Qt::DisplayRole) return {};
    switch (section) {
    case Checkpoint:
        return tr("checkpoint");
    case Mode:
        return tr("mode");
    case Tokens:
        return tr("tokens");
    case Loss:
        return tr("nats/token");
    case StandardError:
        return tr("±");
    case Perplexity:
        return tr("perplexity");
    case Scored:
        return tr("tokens scored");
    case Bits:
        return tr("bits/weight");
    case Bytes:
        return tr("size");
    case Preset:
        return tr("preset");
    default:
        return {};
    }
}

} // namespace fairy2::itemmodels
