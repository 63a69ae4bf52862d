// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/runfilter.h"

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

namespace fairy2::itemmodels {

/// The table of runs, newest first. Polls replace its rows by difference, so selection and scroll position
/// survive a run that ticks.
class RunsModel final : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column {
        Name,
        State,
        Bits,
        Loss,
        ValidationLoss,
        Progress,
        Speed,
        Curve,
        Tags,
        Created,
        ColumnCount
    };
    /// Which value of a metric the loss columns show.
    enum class Figure { Last, Best };
    using QAbstractTableModel::QAbstractTableModel;

    /// Rows in the order of RunRowReader (newest first).
    void setRows(std::vector<RunRow> rows);
    void setFigure(Figure figure);

    [[nodiscard]] const RunRow& row(int index) const { return m_rows[static_cast<std::size_t>(index)]; }
    [[nodiscard]] int indexOf(const std::string& uuid) const noexcept; ///< −1 = not here

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    [[nodiscard]] QString text(const RunRow& row, int column) const;
    [[nodiscard]] QVariant raw(const RunRow& row, int column) const;
    [[nodiscard]] QString toolTip(const RunRow& row, int column) const;

    std::vector<RunRow> m_rows;
    Figure m_figure = Figure::Last;
};

/// The runs a filter lets through, sorted by raw value; unknown values always last.
class RunsFilterModel final : public QSortFilterProxyModel {
    Q_OBJECT
public:
    explicit RunsFilterModel(QObject* parent = nullptr);
    void setRuns(RunsModel* model);
    void setFilter(RunFilter filter);
    void setShowArchived(bool show);

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;
    [[nodiscard]] bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

private:
    RunsModel* m_runs = nullptr;
    RunFilter m_filter;
    bool m_showArchived = false;
};

/// A state as the window says it, translated: "running", "failed".
[[nodiscard]] QString stateText(runs::RunState state);

} // namespace fairy2::itemmodels
