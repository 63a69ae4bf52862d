// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QSortFilterProxyModel>

namespace fairy2::itemmodels {

/// The part of a configuration tree whose keys or help hold a text, or only what overrides changed.
class ConfigFilterModel final : public QSortFilterProxyModel {
    Q_OBJECT
public:
    explicit ConfigFilterModel(QObject* parent = nullptr);
    void setText(const QString& text);
    void setOverridesOnly(bool only);

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

private:
    QString m_text;
    bool m_overridesOnly = false;
};

} // namespace fairy2::itemmodels
