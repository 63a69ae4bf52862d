// SPDX-License-Identifier: Apache-2.0
#include "plots/plotview.h"

#include "plots/plotcore.h"
#include "shell/pickfile.h"
#include "shell/savefile.h"
#include "shell/theme.h"

#include <QBuffer>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QPdfWriter>
#include <QSvgGenerator>
#include <QTextDocument>

#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::plots {
namespace {

constexpr int kDrawIntervalMs = 80;
constexpr double kZoomStep = 0.8;
constexpr double kPanStep = 0.1;
constexpr double kPixelScale = 2;
constexpr double kPdfPointsPerPixel = 0.75;

QString suffixOf(PlotView::Format format) {
    return format == PlotView::Format::Png   ? u".png"_s
           : format == PlotView::Format::Svg ? u".svg"_s
                                             : u".pdf"_s;
}

} // namespace

QString csvNumber(double value) {
    return std::isnan(value) ? QString() : QString::number(value, 'g', QLocale::FloatingPointShortest);
}

PlotView::PlotView(const QString& name, QWidget* parent)
    : QWidget(parent), m_core(std::make_unique<PlotCore>(this)), m_name(name), m_readout(new QLabel(this)),
      m_empty(new QLabel(this)) {
    setAccessibleName(name);
    setFocusPolicy(Qt::StrongFocus);
    m_readout->setObjectName(u"plotReadout"_s);
    m_readout->setAttribute(Qt::WA_TransparentForMouseEvents);
    m_readout->setFont(shell::Theme::font(shell::TextSize::Axis));
    m_readout->hide();
    m_empty->setProperty("role", u"secondary"_s);
    m_empty->setAttribute(Qt::WA_TransparentForMouseEvents);
    m_empty->setAlignment(Qt::AlignCenter);
    m_empty->setWordWrap(true);
    m_timer.setSingleShot(true);
    m_timer.setInterval(kDrawIntervalMs);
    connect(&m_timer, &QTimer::timeout, this, &PlotView::drawNow);
    connect(&shell::Theme::instance(), &shell::Theme::changed, this, &PlotView::markDirty);
    m_core->plot->installEventFilter(this);
    m_core->plot->setMouseTracking(true);
    const auto userMoved = [this] { m_userView = true; };
    connect(m_core->plot, &QCustomPlot::mouseWheel, this, userMoved);
    connect(m_core->plot, &QCustomPlot::mouseDoubleClick, this, &PlotView::resetView);
}

PlotView::~PlotView() = default;

void PlotView::setAxis(Axis axis, const QString& name, const QString& unit) {
    m_core->axis(axis)->setLabel(unit.isEmpty() || name.isEmpty() ? name : name + u", "_s + unit);
    markDirty();
}

void PlotView::setTickFormat(Axis axis, TickFormat format) {
    m_core->state(axis).format = format;
    m_core->applyTicker(axis);
    markDirty();
}

void PlotView::setLogarithmic(Axis axis, bool logarithmic) {
    if (m_core->state(axis).logarithmic == logarithmic) return;
    m_core->state(axis).logarithmic = logarithmic;
    m_core->applyTicker(axis);
    resetView();
}

bool PlotView::isLogarithmic(Axis axis) const {
    return m_core->state(axis).logarithmic;
}

void PlotView::setFixedRange(Axis axis, double low, double high) {
    m_core->state(axis).fixedLow = low;
    m_core->state(axis).fixedHigh = high;
    markDirty();
}

bool PlotView::fixedRange(Axis axis, double& low, double& high) const {
    low = m_core->state(axis).fixedLow;
    high = m_core->state(axis).fixedHigh;
    return low < high;
}

void PlotView::setEmptyText(const QString& text) {
    m_empty->setText(text);
    markDirty();
}

void PlotView::markDirty() {
    m_dirty = true;
    if (isVisible() && !m_timer.isActive()) m_timer.start();
}

void PlotView::flush() {
    if (m_dirty) drawNow();
}

void PlotView::drawNow() {
    m_timer.stop();
    m_dirty = false;
    m_empty->setVisible(isEmpty());
    m_core->plot->setVisible(!isEmpty());
    draw(shell::Theme::instance().colors());
    m_core->plot->replot(QCustomPlot::rpQueuedReplot);
}

void PlotView::draw(const shell::Colors& colors) {
    m_core->plot->setBackground(QBrush(colors.surface));
    for (auto* rect : m_core->plot->axisRects())
        PlotCore::dress(*rect, colors);
    m_readout->setStyleSheet(
        u"background: %1; color: %2; border: 1px solid %3; border-radius: 4px; padding: 4px 6px;"_s.arg(
            colors.window.name(), colors.text.name(), colors.line.name()));
    redraw(colors);
    if (!m_userView) fitRanges();
}

void PlotView::resetView() {
    m_userView = false;
    markDirty();
}

void PlotView::zoom(double factor) {
    m_userView = true;
    m_core->x->scaleRange(factor);
    m_core->y->scaleRange(factor);
    m_core->plot->replot(QCustomPlot::rpQueuedReplot);
}

void PlotView::pan(double x, double y) {
    m_userView = true;
    m_core->x->moveRange(x * m_core->x->range().size());
    m_core->y->moveRange(y * m_core->y->range().size());
    m_core->plot->replot(QCustomPlot::rpQueuedReplot);
}

QByteArray PlotView::figure(Format format) {
    const QSize size = m_core->plot->size();
    draw(shell::colorsOf(shell::Scheme::Light));
    QString provenance;
    for (const auto& [key, value] : m_metadata)
        provenance += key + u": "_s + value + u'\n';
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    if (format == Format::Png) {
        QImage image = m_core->plot->toPixmap(size.width(), size.height(), kPixelScale).toImage();
        image.setText(u"Title"_s, m_name);
        for (const auto& [key, value] : m_metadata)
            image.setText(key, value);
        image.save(&buffer, "PNG");
    } else {
        QSvgGenerator svg;
        QPdfWriter pdf(&buffer);
        if (format == Format::Svg) {
            svg.setOutputDevice(&buffer);
            svg.setSize(size);
            svg.setViewBox(QRect(QPoint(0, 0), size));
            svg.setTitle(m_name);
            svg.setDescription(provenance);
        } else {
            pdf.setTitle(m_name);
            pdf.setCreator(u"Fairy2"_s);
            pdf.addFileAttachment(u"provenance.txt"_s, provenance.toUtf8(), u"text/plain"_s);
            pdf.setPageSize(QPageSize(QSizeF(size) * kPdfPointsPerPixel, QPageSize::Point));
            pdf.setPageMargins(QMarginsF());
        }
        QCPPainter painter;
        painter.begin(format == Format::Svg ? static_cast<QPaintDevice*>(&svg) : &pdf);
        painter.setMode(QCPPainter::pmVectorized);
        painter.setMode(QCPPainter::pmNoCaching);
        if (format == Format::Pdf) {
            const double scale = pdf.logicalDpiX() / 72.0 * kPdfPointsPerPixel;
            painter.scale(scale, scale);
        }
        m_core->plot->toPainter(&painter, size.width(), size.height());
        painter.end();
    }
    drawNow();
    return bytes;
}

QByteArray PlotView::dataCsv() const {
    QString text;
    for (const auto& [key, value] : m_metadata)
        text += u"# "_s + key + u": "_s + QString(value).replace(u'\n', u' ') + u'\n';
    return (text + dataLines().join(u'\n') + u'\n').toUtf8();
}

void PlotView::copyFigure() {
    QGuiApplication::clipboard()->setImage(QImage::fromData(figure(Format::Png), "PNG"));
}

void PlotView::copyData() {
    QGuiApplication::clipboard()->setText(QString::fromUtf8(dataCsv()));
}

void PlotView::save(Format format) {
    shell::PickFile::save(this, u"export"_s, tr("Save figure"), m_name.toLower() + suffixOf(format),
                          u"*"_s + suffixOf(format), [this, format](const QString& path) {
                              shell::saveFile(this, tr("Save figure"), path, figure(format));
                          });
}

void PlotView::saveData() {
    shell::PickFile::save(
        this, u"export"_s, tr("Save data"), m_name.toLower() + u".csv"_s, u"*.csv"_s,
        [this](const QString& path) { shell::saveFile(this, tr("Save data"), path, dataCsv()); });
}

void PlotView::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    m_core->plot->setGeometry(rect());
    m_empty->setGeometry(rect().adjusted(24, 8, -24, -8));
    arrange();
    m_core->plot->replot(QCustomPlot::rpQueuedReplot);
}

void PlotView::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    if (m_dirty) drawNow();
}

void PlotView::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        zoom(kZoomStep);
        return;
    case Qt::Key_Minus:
        zoom(1 / kZoomStep);
        return;
    case Qt::Key_0:
    case Qt::Key_Home:
        resetView();
        return;
    case Qt::Key_Left:
        pan(-kPanStep, 0);
        return;
    case Qt::Key_Right:
        pan(kPanStep, 0);
        return;
    case Qt::Key_Up:
        pan(0, kPanStep);
        return;
    case Qt::Key_Down:
        pan(0, -kPanStep);
        return;
    default:
        break;
    }
    if (event->matches(QKeySequence::Copy)) {
        copyFigure();
        return;
    }
    QWidget::keyPressEvent(event);
}

void PlotView::contextMenuEvent(QContextMenuEvent* event) {
    if (isEmpty()) return;
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Reset view"), this, &PlotView::resetView);
    menu->addSeparator();
    menu->addAction(tr("Copy figure"), this, &PlotView::copyFigure);
    menu->addAction(tr("Copy data"), this, &PlotView::copyData);
    if (!m_readoutText.isEmpty())
        menu->addAction(tr("Copy values here"), this,
                        [text = m_readoutText] { QGuiApplication::clipboard()->setText(text); });
    for (const auto& [key, value] : m_metadata)
        if (key == u"command"_s)
            menu->addAction(tr("Copy command"), this,
                            [text = value] { QGuiApplication::clipboard()->setText(text); });
    menu->addSeparator();
    menu->addAction(tr("Save as PNG…"), this, [this] { save(Format::Png); });
    menu->addAction(tr("Save as SVG…"), this, [this] { save(Format::Svg); });
    menu->addAction(tr("Save as PDF…"), this, [this] { save(Format::Pdf); });
    menu->addAction(tr("Save data as CSV…"), this, &PlotView::saveData);
    menu->popup(event->globalPos());
}

bool PlotView::eventFilter(QObject* watched, QEvent* event) {
    if (watched != m_core->plot) return QWidget::eventFilter(watched, event);
    if (event->type() == QEvent::Leave) hideReadout();
    if (event->type() == QEvent::MouseMove) {
        const auto* mouse = static_cast<QMouseEvent*>(event);
        const bool dragging = mouse->buttons().testFlag(Qt::LeftButton);
        if (dragging && (mouse->position() - m_pressed).manhattanLength() > 3) m_userView = true;
        dragging ? hideReadout() : showReadout(mouse->position());
    }
    if (event->type() == QEvent::MouseButtonPress) {
        const auto* mouse = static_cast<QMouseEvent*>(event);
        m_pressed = mouse->position();
        setFocus(Qt::MouseFocusReason);
        const bool box = mouse->modifiers().testFlag(Qt::ShiftModifier);
        m_core->plot->setSelectionRectMode(box ? QCP::srmZoom : QCP::srmNone);
    }
    if (event->type() == QEvent::MouseButtonRelease) {
        const auto* mouse = static_cast<QMouseEvent*>(event);
        const bool still = (mouse->position() - m_pressed).manhattanLength() <= 3;
        if (still && mouse->button() == Qt::LeftButton) clicked(mouse->position());
    }
    return QWidget::eventFilter(watched, event);
}

void PlotView::showReadout(const QPointF& position) {
    const QString html = readoutAt(position);
    if (html.isEmpty()) {
        hideReadout();
        return;
    }
    m_readout->setText(html);
    m_readout->adjustSize();
    // Right of the pointer while there is room, else left of it; never outside the plot.
    constexpr int kGap = 14;
    int left = static_cast<int>(position.x()) + kGap;
    if (left + m_readout->width() > width())
        left = static_cast<int>(position.x()) - kGap - m_readout->width();
    const int top = std::clamp(static_cast<int>(position.y()) - m_readout->height() / 2, 2,
                               std::max(2, height() - m_readout->height() - 2));
    m_readout->move(std::max(2, left), top);
    m_readout->raise();
    m_readout->show();
    QTextDocument document;
    document.setHtml(html);
    m_readoutText = document.toPlainText();
    emit readoutChanged(m_readoutText);
}

void PlotView::hideReadout() {
    if (m_readout->isHidden()) return;
    readoutAt(QPointF(-1, -1));
    m_readout->hide();
    m_readoutText.clear();
    emit readoutChanged({});
}

} // namespace fairy2::plots
