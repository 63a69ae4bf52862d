// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QTableView>

namespace fairy2::shell {

/// A table as the whole window shows it: rows of 21 px at 12 px text, hairlines, whole-row selection,
/// sorting by RawRole, copy as tab-separated text, and a menu to copy as Markdown or save CSV and JSON.
class TableView : public QTableView {
    Q_OBJECT
public:
    /// `name` is the accessible name and the suggested file name of exports ("Layers").
    explicit TableView(const QString& name, QWidget* parent = nullptr);

    /// What reproduces the table: rows of "key: value" written into exports (model hash, config, command).
    void setMetadata(const QList<std::pair<QString, QString>>& metadata) { m_metadata = metadata; }

    enum class Format { Tsv, Csv, Markdown, Json };
    /// The rows as shown: all of them, or the selected ones.
    [[nodiscard]] QString text(Format format, bool onlySelected = false) const;

    /// Width of the column for its header and its longest text among the first rows.
    void fitColumn(int column);

public slots:
    void copySelected();

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    void save(Format format, const QString& suffix);

    QString m_name;
    QList<std::pair<QString, QString>> m_metadata;
};

} // namespace fairy2::shell
