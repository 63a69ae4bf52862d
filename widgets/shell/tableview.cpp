// SPDX-License-Identifier: Apache-2.0
#include "shell/tableview.h"

#include "base/json.h"
#include "models/roles.h"
#include "shell/celldelegate.h"
#include "shell/pickfile.h"
#include "shell/savefile.h"
#include "shell/tableheader.h"
#include "shell/theme.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QMenu>

#include <algorithm>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr int kRowHeight = 21;
constexpr int kFittedRows = 200;

QString csvField(const QString& text) {
    if (!text.contains(u',') && !text.contains(u'"') && !text.contains(u'\n')) return text;
    QString quoted = text;
    quoted.replace(u'"', u"\"\""_s);
    return u'"' + quoted + u'"';
}

QString rawText(const QModelIndex& index) {
    const QVariant raw = index.data(itemmodels::RawRole);
    if (raw.typeId() == QMetaType::Double) return QString::number(raw.toDouble(), 'g', 12);
    return raw.isValid() ? raw.toString() : index.data().toString();
}

base::Json rawJson(const QModelIndex& index) {
    const QVariant raw = index.data(itemmodels::RawRole);
    switch (raw.typeId()) {
    case QMetaType::Double:
        return raw.toDouble();
    case QMetaType::Int:
    case QMetaType::LongLong:
        return raw.toLongLong();
    case QMetaType::Bool:
        return raw.toBool();
    default:
        return rawText(index).toStdString();
    }
}

QString headerText(const QAbstractItemModel& model, int column, bool stableName) {
    const QVariant field = model.headerData(column, Qt::Horizontal, itemmodels::FieldRole);
    return stableName && field.isValid() ? field.toString()
                                         : model.headerData(column, Qt::Horizontal).toString();
}

} // namespace

TableView::TableView(const QString& name, QWidget* parent) : QTableView(parent), m_name(name) {
    setAccessibleName(name);
    setItemDelegate(new CellDelegate(this));
    setFont(Theme::font(TextSize::Table));
    setShowGrid(false);
    setSelectionBehavior(SelectRows);
    setSelectionMode(ExtendedSelection);
    setEditTriggers(NoEditTriggers);
    setVerticalScrollMode(ScrollPerPixel);
    setHorizontalScrollMode(ScrollPerPixel);
    setWordWrap(false);
    setHorizontalHeader(new TableHeader(this));
    setSortingEnabled(true);
    setTabKeyNavigation(false);
    setCornerButtonEnabled(false);
    verticalHeader()->setVisible(false);
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    verticalHeader()->setMinimumSectionSize(kRowHeight);
    verticalHeader()->setDefaultSectionSize(kRowHeight);
    connect(&Theme::instance(), &Theme::changed, viewport(), qOverload<>(&QWidget::update));
}

QString TableView::text(Format format, bool onlySelected) const {
    if (model() == nullptr) return {};
    QList<int> columns;
    for (int c = 0; c < model()->columnCount(rootIndex()); ++c)
        if (!isColumnHidden(c)) columns.append(c);
    const bool stable = format == Format::Csv || format == Format::Json;
    base::Json rows = base::Json::array();
    QStringList lines;
    QStringList cells;
    for (const int c : columns)
        cells.append(headerText(*model(), c, stable));
    const QStringList names = cells;
    const auto addLine = [&] {
        if (format == Format::Tsv) lines.append(cells.join(u'\t'));
        if (format == Format::Csv) lines.append(cells.join(u','));
        if (format == Format::Markdown) lines.append(u"| "_s + cells.join(u" | "_s) + u" |"_s);
    };
    if (format == Format::Csv)
        for (const auto& [key, value] : m_metadata)
            lines.append(u"# "_s + key + u": "_s + QString(value).replace(u'\n', u' '));
    addLine();
    if (format == Format::Markdown) {
        cells.clear();
        for (const int c : columns) {
            const int align = model()->headerData(c, Qt::Horizontal, Qt::TextAlignmentRole).toInt();
            cells.append((align & Qt::AlignRight) != 0 ? u"---:"_s : u"---"_s);
        }
        addLine();
    }
    for (int r = 0; r < model()->rowCount(rootIndex()); ++r) {
        if (onlySelected && !selectionModel()->isRowSelected(r, rootIndex())) continue;
        cells.clear();
        base::Json row = base::Json::object();
        for (qsizetype i = 0; i < columns.size(); ++i) {
            const QModelIndex index = model()->index(r, columns[i], rootIndex());
            if (format == Format::Json) row[names[i].toStdString()] = rawJson(index);
            if (format == Format::Csv) cells.append(csvField(rawText(index)));
            if (!stable) cells.append(index.data().toString());
        }
        if (format == Format::Json) rows.push_back(std::move(row));
        addLine();
    }
    if (format != Format::Json) return lines.join(u'\n') + u'\n';
    base::Json document{{"rows", std::move(rows)}};
    for (const auto& [key, value] : m_metadata)
        document["metadata"][key.toStdString()] = value.toStdString();
    return QString::fromStdString(document.dump(2)) + u'\n';
}

void TableView::fitColumn(int column) {
    if (model() == nullptr) return;
    const QFontMetrics metrics(font());
    constexpr int kPadding = 22;
    constexpr int kSortArrow = 14;
    int width = metrics.horizontalAdvance(headerText(*model(), column, false)) + kPadding +
                (isSortingEnabled() ? kSortArrow : 0);
    QStyleOptionViewItem option;
    option.font = font();
    option.fontMetrics = metrics;
    const int rows = std::min(model()->rowCount(), kFittedRows);
    for (int r = 0; r < rows; ++r)
        width = std::max(width, itemDelegate()->sizeHint(option, model()->index(r, column)).width());
    setColumnWidth(column, width);
}

void TableView::copySelected() {
    QGuiApplication::clipboard()->setText(text(Format::Tsv, true));
}

void TableView::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy)) {
        copySelected();
        return;
    }
    QTableView::keyPressEvent(event);
}

void TableView::contextMenuEvent(QContextMenuEvent* event) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Copy selected rows"), this, &TableView::copySelected);
    menu->addAction(tr("Copy table as Markdown"), this,
                    [this] { QGuiApplication::clipboard()->setText(text(Format::Markdown)); });
    menu->addSeparator();
    menu->addAction(tr("Save as CSV…"), this, [this] { save(Format::Csv, u".csv"_s); });
    menu->addAction(tr("Save as JSON…"), this, [this] { save(Format::Json, u".json"_s); });
    menu->popup(event->globalPos());
}

void TableView::save(Format format, const QString& suffix) {
    PickFile::save(this, u"export"_s, tr("Save table"), m_name.toLower() + suffix, u"*"_s + suffix,
                   [this, format](const QString& path) {
                       saveFile(this, tr("Save table"), path, text(format).toUtf8());
                   });
}

} // namespace fairy2::shell
