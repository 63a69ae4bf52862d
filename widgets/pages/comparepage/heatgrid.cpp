// SPDX-License-Identifier: Apache-2.0
#include "pages/comparepage/heatgrid.h"

#include "shell/format.h"
#include "shell/theme.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

namespace fairy2::pages {
namespace {

constexpr int kRowLabels = 62;
constexpr int kTitle = 22;
constexpr int kColumnLabels = 20;
constexpr int kBetween = 24;
constexpr double kTallest = 26;

} // namespace

HeatGrid::HeatGrid(QWidget* parent) : QWidget(parent) {
    setAccessibleName(tr("Heat grid of layers"));
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    connect(&shell::Theme::instance(), &shell::Theme::changed, this, qOverload<>(&QWidget::update));
}

void HeatGrid::setGrid(const QStringList& rows, const QStringList& columns, std::vector<Panel> panels,
                       int decimals, const QString& unit, bool lowIsHot) {
    m_rows = rows;
    m_columns = columns;
    m_panels = std::move(panels);
    m_decimals = decimals;
    m_unit = unit;
    m_lowIsHot = lowIsHot;
    update();
}

void HeatGrid::clear() {
    m_panels.clear();
    update();
}

HeatGrid::Layout HeatGrid::layoutOf(int panel) const {
    const auto panels = static_cast<int>(m_panels.size());
    const double width = (this->width() - kRowLabels - (panels - 1) * kBetween) / static_cast<double>(panels);
    const double free = height() - kTitle - kColumnLabels;
    Layout layout;
    layout.cellWidth = width / static_cast<double>(std::max<qsizetype>(1, m_columns.size()));
    layout.cellHeight = std::min(kTallest, free / static_cast<double>(std::max<qsizetype>(1, m_rows.size())));
    layout.cells = QRectF(kRowLabels + panel * (width + kBetween), kTitle, width,
                          layout.cellHeight * static_cast<double>(m_rows.size()));
    return layout;
}

QColor HeatGrid::colorOf(const Panel& panel, double value) const {
    double low = value;
    double high = value;
    for (const double other : panel.values) {
        if (!std::isfinite(other)) continue;
        low = std::min(low, other);
        high = std::max(high, other);
    }
    double heat = high > low ? (value - low) / (high - low) : 0;
    if (m_lowIsHot) heat = 1 - heat;
    const auto& colors = shell::Theme::instance().colors();
    return shell::mix(colors.surface, colors.heat, 0.06 + 0.94 * heat);
}

void HeatGrid::paintPanel(QPainter& painter, int index) const {
    const auto& colors = shell::Theme::instance().colors();
    const auto& panel = m_panels[static_cast<std::size_t>(index)];
    const Layout layout = layoutOf(index);
    const QFontMetrics metrics = painter.fontMetrics();
    const QString widest = shell::numberText(-88.888888, m_decimals);
    const bool hasText =
        layout.cellHeight >= metrics.height() - 1 && layout.cellWidth >= metrics.horizontalAdvance(widest);
    painter.setPen(colors.secondary);
    painter.drawText(QRectF(layout.cells.left(), 0, layout.cells.width(), kTitle - 4),
                     Qt::AlignLeft | Qt::AlignVCenter, panel.title);
    for (int row = 0; row < m_rows.size(); ++row)
        for (int column = 0; column < m_columns.size(); ++column) {
            const double value = panel.values[static_cast<std::size_t>(row * m_columns.size() + column)];
            if (!std::isfinite(value)) continue;
            const QRectF cell(layout.cells.left() + column * layout.cellWidth,
                              layout.cells.top() + row * layout.cellHeight, layout.cellWidth,
                              layout.cellHeight);
            painter.fillRect(cell.adjusted(0.5, 0.5, -0.5, -0.5), colorOf(panel, value));
            if (!hasText) continue;
            painter.setPen(colors.text);
            painter.drawText(cell, Qt::AlignCenter, shell::numberText(value, m_decimals));
        }
    painter.setPen(colors.secondary);
    for (int column = 0; column < m_columns.size(); ++column)
        painter.drawText(QRectF(layout.cells.left() + column * layout.cellWidth, layout.cells.bottom() + 2,
                                layout.cellWidth, kColumnLabels - 2),
                         Qt::AlignCenter, m_columns[column]);
}

void HeatGrid::paintEvent(QPaintEvent*) {
    if (m_panels.empty() || m_rows.isEmpty()) return;
    const auto& colors = shell::Theme::instance().colors();
    QPainter painter(this);
    painter.setFont(shell::Theme::font(shell::TextSize::Axis));
    painter.setPen(colors.secondary);
    const Layout first = layoutOf(0);
    // Where rows are lower than text, only every n-th is named.
    const int every =
        std::max(1, static_cast<int>(std::ceil(painter.fontMetrics().height() / first.cellHeight)));
    for (int row = 0; row < m_rows.size(); row += every)
        painter.drawText(
            QRectF(0, first.cells.top() + row * first.cellHeight, kRowLabels - 8,
                   std::max(first.cellHeight, static_cast<double>(painter.fontMetrics().height()))),
            Qt::AlignRight | Qt::AlignVCenter, m_rows[row]);
    for (int panel = 0; panel < static_cast<int>(m_panels.size()); ++panel)
        paintPanel(painter, panel);
}

HeatGrid::Hit HeatGrid::hitAt(const QPointF& position) const {
    for (int panel = 0; panel < static_cast<int>(m_panels.size()); ++panel) {
        const Layout layout = layoutOf(panel);
        if (!layout.cells.contains(position)) continue;
        return {panel, static_cast<int>((position.y() - layout.cells.top()) / layout.cellHeight),
                static_cast<int>((position.x() - layout.cells.left()) / layout.cellWidth)};
    }
    return {};
}

double HeatGrid::valueAt(const Hit& hit) const {
    if (hit.panel < 0 || hit.row >= m_rows.size() || hit.column >= m_columns.size()) return std::nan("");
    return m_panels[static_cast<std::size_t>(hit.panel)]
        .values[static_cast<std::size_t>(hit.row * m_columns.size() + hit.column)];
}

void HeatGrid::mousePressEvent(QMouseEvent* event) {
    const Hit hit = hitAt(event->position());
    if (std::isfinite(valueAt(hit))) emit cellClicked(hit.row, hit.column);
}

bool HeatGrid::event(QEvent* event) {
    if (event->type() != QEvent::ToolTip) return QWidget::event(event);
    auto* help = static_cast<QHelpEvent*>(event);
    const Hit hit = hitAt(help->pos());
    const double value = valueAt(hit);
    if (!std::isfinite(value)) {
        QToolTip::hideText();
        return true;
    }
    QToolTip::showText(help->globalPos(),
                       tr("%1, %2, %3: %4 %5")
                           .arg(m_panels[static_cast<std::size_t>(hit.panel)].title, m_rows[hit.row],
                                m_columns[hit.column], shell::numberText(value, m_decimals + 1), m_unit),
                       this);
    return true;
}

} // namespace fairy2::pages
