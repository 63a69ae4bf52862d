// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/compose.h"

#include <QAbstractItemModel>
#include <memory>

namespace fairy2::itemmodels {

/// A composed configuration as a tree: key, value, where the value comes from, and the schema's help. A value
/// edited in place leaves the model as an override; the next setComposition shows its effect.
class ConfigTreeModel final : public QAbstractItemModel {
    Q_OBJECT
public:
    enum Column { Key, Value, Source, Help, ColumnCount };
    enum { OverriddenRole = Qt::UserRole + 100 }; ///< bool: an override on the command line gave the value
    explicit ConfigTreeModel(QObject* parent = nullptr);
    ~ConfigTreeModel() override;

    /// Keeps the rows (and what is expanded) when only values changed.
    void setComposition(const config::Composition& composition);
    /// Marks one key with the sentence why its value is refused; an empty key takes the mark away.
    void setProblem(const QString& key, const QString& sentence);
    /// The row of a dotted key, or an invalid index.
    [[nodiscard]] QModelIndex indexOf(const QString& key) const;
    [[nodiscard]] bool isLeaf(const QModelIndex& index) const;

    [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& child) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;

signals:
    /// `value` in the grammar of the command line, to be written as key=value.
    void overrideRequested(const QString& key, const QString& value);

private:
    struct Node;
    [[nodiscard]] Node* node(const QModelIndex& index) const;
    [[nodiscard]] QModelIndex indexOf(Node* node, int column) const;
    [[nodiscard]] QString toolTip(const Node& node) const;

    void emitRowChanged(const QString& key);

    QString m_problemKey;
    QString m_problem;
    std::unique_ptr<Node> m_root;
    std::map<std::string, Node*> m_leaves;
};

} // namespace fairy2::itemmodels
