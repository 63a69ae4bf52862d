// SPDX-License-Identifier: Apache-2.0
#include "models/tabletext.h"

#include "models/roles.h"

#include <QStringList>

namespace fairy2::itemmodels {
namespace {

QString markdownCell(QString text) {
    return text.replace(u'|', QLatin1String("\\|")).replace(u'\n', u' ');
}

QString csvCell(const QVariant& raw, const QString& shown) {
    QString text = raw.isValid() ? raw.toString() : shown;
    if (raw.typeId() == QMetaType::Double) text = QString::number(raw.toDouble(), 'g', 12);
    if (!text.contains(u',') && !text.contains(u'"') && !text.contains(u'\n')) return text;
    return u'"' + text.replace(u'"', QLatin1String("\"\"")) + u'"';
}

} // namespace

QString markdownTable(const QAbstractItemModel& model) {
    const int columns = model.columnCount();
    if (columns == 0) return {};
    QStringList lines;
    QStringList header;
    QStringList rule;
    for (int c = 0; c < columns; ++c) {
        header << markdownCell(model.headerData(c, Qt::Horizontal).toString());
        const auto alignment =
            model.headerData(c, Qt::Horizontal, Qt::TextAlignmentRole).value<Qt::Alignment>();
        rule << QLatin1String(alignment.testFlag(Qt::AlignRight) ? "---:" : "---");
    }
    const auto line = [](const QStringList& cells) {
        return QStringLiteral("| %1 |").arg(cells.join(QLatin1String(" | ")));
    };
    lines << line(header) << line(rule);
    for (int r = 0; r < model.rowCount(); ++r) {
        QStringList cells;
        for (int c = 0; c < columns; ++c)
            cells << markdownCell(model.index(r, c).data().toString());
        lines << line(cells);
    }
    return lines.join(u'\n') + u'\n';
}

QString csvTable(const QAbstractItemModel& model) {
    const int columns = model.columnCount();
    QString text;
    const auto append = [&text](const QStringList& cells) {
        text += cells.join(u',') + QLatin1String("\r\n");
    };
    QStringList header;
    for (int c = 0; c < columns; ++c)
        header << csvCell({}, model.headerData(c, Qt::Horizontal).toString());
    append(header);
    for (int r = 0; r < model.rowCount(); ++r) {
        QStringList cells;
        for (int c = 0; c < columns; ++c) {
            const auto index = model.index(r, c);
            cells << csvCell(index.data(RawRole), index.data().toString());
        }
        append(cells);
    }
    return text;
}

} // namespace fairy2::itemmodels
