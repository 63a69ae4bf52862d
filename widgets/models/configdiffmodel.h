// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <QAbstractTableModel>
#include <string>
#include <vector>

namespace fairy2::itemmodels {

/// Configurations side by side, one column each. Opens with the keys that differ; keys that no person chose
/// (where a run lies, what it is called) never count as a difference.
class ConfigDiffModel final : public QAbstractTableModel {
    Q_OBJECT
public:
    struct Subject {
        QString label;
        int color = -1; ///< index into the run palette
        base::Json config;
    };
    using QAbstractTableModel::QAbstractTableModel;

    void setSubjects(std::vector<Subject> subjects);
    void setDifferencesOnly(bool only);
    [[nodiscard]] int differences() const noexcept { return m_differences; }
    [[nodiscard]] int keys() const noexcept { return static_cast<int>(m_rows.size()); }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    struct Row {
        QString key;
        std::vector<QString> values; ///< one a subject
        bool differs = false;
    };
    std::vector<Subject> m_subjects;
    std::vector<Row> m_rows; ///< those that differ first, then by key
    int m_differences = 0;
    bool m_differencesOnly = true;
};

} // namespace fairy2::itemmodels
