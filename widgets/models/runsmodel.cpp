// SPDX-License-Identifier: Apache-2.0
#include "models/runsmodel.h"

#include "models/figuretext.h"
#include "models/roles.h"
#include "shell/colors.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>

namespace fairy2::itemmodels {
namespace {

constexpr std::array<const char*, RunsModel::ColumnCount> kFields = {
    "run",   "state", "bits_per_weight", "loss", "val_loss", "progress", "tokens_per_second",
    "curve", "tags",  "created"};

bool isNumber(int column) {
    return column >= RunsModel::Bits && column <= RunsModel::Speed;
}

QString speedText(const std::optional<double>& speed) {
    return speed ? shell::countText(static_cast<std::int64_t>(std::llround(*speed))) : figureText({}, 0);
}

bool sameAnnotations(const runs::Annotations& a, const runs::Annotations& b) {
    return a.name == b.name && a.tags == b.tags && a.notes == b.notes && a.color == b.color &&
           a.archived == b.archived;
}

// The configuration of a run never changes, so it is not compared.
bool sameRow(const RunRow& a, const RunRow& b) {
    return a.summary.state == b.summary.state && a.summary.step == b.summary.step &&
           a.summary.updated == b.summary.updated && a.summary.reason == b.summary.reason &&
           a.summary.checkpoints.size() == b.summary.checkpoints.size() && a.color == b.color &&
           a.loss == b.loss && a.validationLoss == b.validationLoss &&
           a.tokensPerSecond == b.tokensPerSecond && a.curve == b.curve &&
           sameAnnotations(a.summary.annotations, b.summary.annotations);
}

QString joined(const std::vector<std::string>& tags) {
    QStringList list;
    for (const auto& tag : tags)
        list << QString::fromStdString(tag);
    return list.join(QStringLiteral(", "));
}

QDateTime localTime(double wallTime) {
    return QDateTime::fromMSecsSinceEpoch(static_cast<qint64>(wallTime * 1000));
}

} // namespace

QString stateText(runs::RunState state) {
    const auto translated = [](const char* text) { return QCoreApplication::translate("RunState", text); };
    switch (state) {
    case runs::RunState::Queued:
        return translated(QT_TRANSLATE_NOOP("RunState", "queued"));
    case runs::RunState::Starting:
        return translated(QT_TRANSLATE_NOOP("RunState", "starting"));
    case runs::RunState::Running:
        return translated(QT_TRANSLATE_NOOP("RunState", "running"));
    case runs::RunState::Stopping:
        return translated(QT_TRANSLATE_NOOP("RunState", "stopping"));
    case runs::RunState::Finished:
        return translated(QT_TRANSLATE_NOOP("RunState", "finished"));
    case runs::RunState::Failed:
        return translated(QT_TRANSLATE_NOOP("RunState", "failed"));
    case runs::RunState::Lost:
        return translated(QT_TRANSLATE_NOOP("RunState", "lost"));
    case runs::RunState::Cancelled:
        return translated(QT_TRANSLATE_NOOP("RunState", "stopped"));
    }
    return {};
}

void RunsModel::setRows(std::vector<RunRow> rows) {
    std::unordered_set<std::string> staying;
    for (const auto& row : rows)
        staying.insert(row.summary.uuid);
    for (int i = static_cast<int>(m_rows.size()) - 1; i >= 0; --i) {
        if (staying.contains(row(i).summary.uuid)) continue;
        beginRemoveRows({}, i, i);
        m_rows.erase(m_rows.begin() + i);
        endRemoveRows();
    }
    // What is left is a subsequence of the new rows unless a clock went backwards; then start over.
    const auto sameOrder = [&] {
        std::size_t at = 0;
        for (const auto& row : rows)
            if (at < m_rows.size() && m_rows[at].summary.uuid == row.summary.uuid) ++at;
        return at == m_rows.size();
    };
    if (!sameOrder()) {
        beginResetModel();
        m_rows = std::move(rows);
        endResetModel();
        return;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const int at = static_cast<int>(i);
        if (i >= m_rows.size() || m_rows[i].summary.uuid != rows[i].summary.uuid) {
            std::size_t end = i + 1; // neighbours that are new too come in one batch
            while (end < rows.size() &&
                   (i >= m_rows.size() || rows[end].summary.uuid != m_rows[i].summary.uuid))
                ++end;
            beginInsertRows({}, at, static_cast<int>(end) - 1);
            m_rows.insert(m_rows.begin() + at, std::make_move_iterator(rows.begin() + at),
                          std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(end)));
            endInsertRows();
            i = end - 1;
        } else if (!sameRow(m_rows[i], rows[i])) {
            m_rows[i] = std::move(rows[i]);
            emit dataChanged(index(at, 0), index(at, ColumnCount - 1));
        }
    }
}

void RunsModel::setFigure(Figure figure) {
    if (figure == m_figure) return;
    m_figure = figure;
    emit headerDataChanged(Qt::Horizontal, Loss, ValidationLoss);
    if (!m_rows.empty()) emit dataChanged(index(0, Loss), index(rowCount() - 1, ValidationLoss));
}

int RunsModel::indexOf(const std::string& uuid) const noexcept {
    const auto found = std::find_if(m_rows.begin(), m_rows.end(),
                                    [&](const RunRow& row) { return row.summary.uuid == uuid; });
    return found == m_rows.end() ? -1 : static_cast<int>(found - m_rows.begin());
}

int RunsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int RunsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QString RunsModel::text(const RunRow& row, int column) const {
    const bool best = m_figure == Figure::Best;
    switch (column) {
    case Name:
        return QString::fromStdString(displayName(row.summary));
    case State:
        return stateText(row.summary.state);
    case Bits:
        return figureText(row.bitsPerWeight, 2);
    case Loss:
        return figureText(best ? row.bestLoss : row.loss, 3);
    case ValidationLoss:
        return figureText(best ? row.bestValidationLoss : row.validationLoss, 3);
    case Progress:
        return shell::percentText(row.progress(), 0);
    case Speed:
        return speedText(row.tokensPerSecond);
    case Tags:
        return joined(row.summary.annotations.tags);
    case Created:
        return QLocale().toString(localTime(row.summary.created), QStringLiteral("d MMM hh:mm"));
    default:
        return {};
    }
}

QVariant RunsModel::raw(const RunRow& row, int column) const {
    const bool best = m_figure == Figure::Best;
    switch (column) {
    case Bits:
        return figureRaw(row.bitsPerWeight);
    case Loss:
        return figureRaw(best ? row.bestLoss : row.loss);
    case ValidationLoss:
        return figureRaw(best ? row.bestValidationLoss : row.validationLoss);
    case Progress:
        return row.progress();
    case Speed:
        return figureRaw(row.tokensPerSecond);
    case Curve:
        return figureRaw(row.loss);
    case Created:
        return row.summary.created;
    default:
        return text(row, column);
    }
}

QString RunsModel::toolTip(const RunRow& row, int column) const {
    if (column == State && !row.summary.reason.empty()) return QString::fromStdString(row.summary.reason);
    if (column == Progress)
        return tr("step %1 of %2")
            .arg(shell::countText(row.summary.step), shell::countText(row.summary.maxSteps));
    if (column == Name && !row.summary.annotations.notes.empty())
        return QString::fromStdString(row.summary.annotations.notes);
    return {};
}

QVariant RunsModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const RunRow& at = row(index.row());
    switch (role) {
    case Qt::DisplayRole:
        return text(at, index.column());
    case Qt::ToolTipRole:
        return toolTip(at, index.column());
    case Qt::TextAlignmentRole:
        return alignment(isNumber(index.column()));
    case RawRole:
        return raw(at, index.column());
    case IdRole:
        return QString::fromStdString(at.summary.uuid);
    case SwatchRole:
        return index.column() == Name || index.column() == Curve ? QVariant(shell::runColor(at.color))
                                                                 : QVariant();
    case SparkRole:
        return index.column() == Curve ? QVariant::fromValue(at.curve) : QVariant();
    default:
        return {};
    }
}

QVariant RunsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) return alignment(isNumber(section));
    if (role == FieldRole) return QString::fromLatin1(kFields[static_cast<std::size_t>(section)]);
    if (role == Qt::ToolTipRole) {
        switch (section) {
        case Bits:
            return tr("Bits per weight of the linear layers, scales included");
        case Loss:
            return tr("Training loss, nats per token");
        case ValidationLoss:
            return tr("Validation loss, nats per token");
        case Speed:
            return tr("Tokens trained on per second");
        default:
            return {};
        }
    }
    if (role != Qt::DisplayRole) return {};
    const bool best = m_figure == Figure::Best;
    switch (section) {
    case Name:
        return tr("run");
    case State:
        return tr("state");
    case Bits:
        return tr("bits");
    case Loss:
        return best ? tr("best loss") : tr("loss");
    case ValidationLoss:
        return best ? tr("best val loss") : tr("val loss");
    case Progress:
        return tr("progress");
    case Speed:
        return tr("tok/s");
    case Curve:
        return tr("loss curve");
    case Tags:
        return tr("tags");
    case Created:
        return tr("created");
    default:
        return {};
    }
}

RunsFilterModel::RunsFilterModel(QObject* parent) : QSortFilterProxyModel(parent) {
    setSortRole(RawRole);
    setDynamicSortFilter(true);
}

void RunsFilterModel::setRuns(RunsModel* model) {
    m_runs = model;
    setSourceModel(model);
}

void RunsFilterModel::setFilter(RunFilter filter) {
    m_filter = std::move(filter);
    invalidateRowsFilter();
}

void RunsFilterModel::setShowArchived(bool show) {
    m_showArchived = show;
    invalidateRowsFilter();
}

bool RunsFilterModel::filterAcceptsRow(int row, const QModelIndex& parent) const {
    if (parent.isValid() || m_runs == nullptr) return false;
    const auto& run = m_runs->row(row);
    return (m_showArchived || !run.summary.annotations.archived) && m_filter.accepts(run);
}

bool RunsFilterModel::lessThan(const QModelIndex& left, const QModelIndex& right) const {
    const QVariant a = left.data(RawRole);
    const QVariant b = right.data(RawRole);
    if (!a.isValid() || !b.isValid()) {
        const bool unknownLast = sortOrder() == Qt::AscendingOrder;
        return a.isValid() ? unknownLast : (b.isValid() && !unknownLast);
    }
    if (a.typeId() == QMetaType::QString) return QString::localeAwareCompare(a.toString(), b.toString()) < 0;
    return a.toDouble() < b.toDouble();
}

} // namespace fairy2::itemmodels
