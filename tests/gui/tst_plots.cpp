// SPDX-License-Identifier: Apache-2.0
#include "guiapp.h"
#include "plots/barplot.h"
#include "plots/curveplot.h"
#include "plots/densityplot.h"
#include "plots/ladderplot.h"
#include "plots/scatterplot.h"
#include "plots/smoothing.h"

#include <QLabel>
#include <QSignalSpy>

#include <cmath>
#include <random>

using namespace fairy2;
using namespace fairy2::plots;
using namespace Qt::StringLiterals;

namespace {

const double kNaN = std::nan("");

// The share of pixels that differ from the background: an empty plot has none.
double ink(PlotView& plot) {
    plot.flush();
    QCoreApplication::processEvents();
    const QColor background = shell::Theme::instance().colors().surface;
    const QImage image = plot.grab().toImage();
    qint64 inked = 0;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            if (image.pixelColor(x, y) != background) ++inked;
    return static_cast<double>(inked) / (image.width() * image.height());
}

std::shared_ptr<const quant::PhasePlane> gaussPlane(int n, int m) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0, 0.02F);
    std::vector<float> a(static_cast<std::size_t>(4 * n * m));
    for (auto& value : a)
        value = normal(random);
    auto plane = quant::phasePlane({a.data(), 2 * n, 2 * m}, quant::LayerRecipe{}, 0, 64);
    return std::make_shared<const quant::PhasePlane>(std::move(*plane));
}

// The canvas swallows the events of the plot, so the mouse goes to it.
void moveTo(QWidget& plot, const QPoint& position) {
    auto* canvas = plot.childAt(position);
    QMouseEvent move(QEvent::MouseMove, canvas->mapFrom(&plot, position), plot.mapToGlobal(position),
                     Qt::NoButton, Qt::NoButton, Qt::NoModifier);
    QCoreApplication::sendEvent(canvas, &move);
}

} // namespace

class TestPlots : public QObject {
    Q_OBJECT
private slots:
    void smoothingFollowsTensorBoard_data() {
        QTest::addColumn<double>("weight");
        QTest::addColumn<QList<double>>("in");
        QTest::addColumn<QList<double>>("out");
        QTest::newRow("no weight") << 0.0 << QList<double>{1, 2} << QList<double>{1, 2};
        // last = last·w + (1−w)·x, debiased by 1 − wⁿ.
        const double second = 0.6 * 0.4 + 0.4 * 3;
        QTest::newRow("weight 0.6") << 0.6 << QList<double>{1, 3, 3}
                                    << QList<double>{1, second / 0.64, (0.6 * second + 1.2) / 0.784};
        QTest::newRow("a constant stays") << 0.9 << QList<double>{2, 2, 2} << QList<double>{2, 2, 2};
        QTest::newRow("a gap is left alone") << 0.5 << QList<double>{1, kNaN, 1} << QList<double>{1, kNaN, 1};
    }
    void smoothingFollowsTensorBoard() {
        QFETCH(double, weight);
        QFETCH(QList<double>, in);
        QFETCH(QList<double>, out);
        Smoothing smoothing(weight);
        for (qsizetype i = 0; i < in.size(); ++i) {
            const double got = smoothing.next(in[i]);
            QVERIFY(std::isnan(out[i]) ? std::isnan(got) : std::abs(got - out[i]) < 1e-12);
        }
    }

    void anEmptyPlotSaysWhatWillBeThere() {
        CurvePlot plot(u"Loss"_s);
        plot.setEmptyText(u"No run yet."_s);
        plot.resize(400, 300);
        plot.show();
        QVERIFY(plot.isEmpty());
        bool said = false;
        for (auto* label : plot.findChildren<QLabel*>())
            said = said || (label->isVisible() && label->text() == u"No run yet."_s);
        QVERIFY(said);
    }

    void curvesAreDrawnAndTheCrosshairReadsThem() {
        CurvePlot plot(u"Loss"_s);
        plot.resize(400, 300);
        plot.setSeries(u"a"_s, u"W1"_s, Qt::red);
        plot.setSeries(u"b"_s, u"W2"_s, Qt::blue);
        plot.setPoints(u"a"_s, {0, 50, 100}, {4, 4, 4});
        plot.setPoints(u"b"_s, {0, 50}, {2, 2});
        plot.append(u"b"_s, {100}, {2});
        plot.show();
        QVERIFY(ink(plot) > 0.005);
        QSignalSpy hovered(&plot, &CurvePlot::hovered);
        moveTo(plot, {200, 150});
        QCOMPARE(hovered.size(), 1);
        const QString text = plot.readoutText();
        QVERIFY2(text.contains(u"4.000"_s), qPrintable(text));
        QVERIFY(text.indexOf(u"W1"_s) >= 0 && text.indexOf(u"W1"_s) < text.indexOf(u"W2"_s));
    }

    void theCsvOfCurvesReadsBackExactlyWithItsMetadata() {
        CurvePlot plot(u"Loss"_s);
        plot.setSeries(u"a"_s, u"run \"1\""_s, Qt::red);
        plot.setPoints(u"a"_s, {1, 2}, {0.1, kNaN});
        plot.setMetadata({{u"command"_s, u"fairy2 train"_s}});
        QCOMPARE(plot.dataCsv(), QByteArray("# command: fairy2 train\nseries,x,y\n\"run \"\"1\"\"\",1,0.1\n"
                                            "\"run \"\"1\"\"\",2,\n"));
    }

    void figuresCarryTheirMetadata_data() {
        QTest::addColumn<int>("format");
        QTest::addColumn<QByteArray>("start");
        QTest::newRow("png") << int(PlotView::Format::Png) << QByteArray("\x89PNG");
        QTest::newRow("svg") << int(PlotView::Format::Svg) << QByteArray("<?xml");
        QTest::newRow("pdf") << int(PlotView::Format::Pdf) << QByteArray("%PDF");
    }
    void figuresCarryTheirMetadata() {
        QFETCH(int, format);
        QFETCH(QByteArray, start);
        CurvePlot plot(u"Loss"_s);
        plot.resize(400, 300);
        plot.show();
        plot.setSeries(u"a"_s, u"W1"_s, Qt::red);
        plot.setPoints(u"a"_s, {1, 2}, {1, 2});
        plot.setMetadata({{u"command"_s, u"fairy2 analyze MODEL"_s}});
        const QByteArray bytes = plot.figure(static_cast<PlotView::Format>(format));
        QVERIFY(bytes.startsWith(start));
        if (format == int(PlotView::Format::Png)) {
            const QImage image = QImage::fromData(bytes, "PNG");
            QCOMPARE(image.text(u"command"_s), u"fairy2 analyze MODEL"_s);
            QCOMPARE(image.size(), QSize(800, 600));
        }
        if (format == int(PlotView::Format::Svg)) QVERIFY(bytes.contains("fairy2 analyze MODEL"));
        if (format == int(PlotView::Format::Pdf)) QVERIFY(bytes.contains("provenance.txt"));
    }

    void zoomingHoldsTheViewUntilItIsReset() {
        CurvePlot plot(u"Loss"_s);
        plot.resize(400, 300);
        plot.setSeries(u"a"_s, u"W1"_s, Qt::red);
        plot.setPoints(u"a"_s, {0, 50, 100}, {0, 0.5, 1});
        plot.show();
        const auto readRight = [&] {
            plot.flush();
            QCoreApplication::processEvents();
            moveTo(plot, {350, 150});
            return plot.readoutText();
        };
        const QString before = readRight();
        QVERIFY(!before.isEmpty());
        QTest::keyClick(&plot, Qt::Key_Plus);
        QVERIFY(readRight() != before);
        QTest::keyClick(&plot, Qt::Key_0);
        QCOMPARE(readRight(), before);
    }

    void logarithmicAxesSurviveZeroAndNegativeValues() {
        CurvePlot plot(u"Loss"_s);
        plot.resize(300, 200);
        plot.setLogarithmic(Axis::Y, true);
        plot.setSeries(u"a"_s, u"W1"_s, Qt::red);
        plot.setPoints(u"a"_s, {0, 1, 2, 3}, {-1, 0, 0.001, 10});
        plot.show();
        QVERIFY(ink(plot) > 0.001);
    }

    void thePhasePlaneExportsEveryEntry() {
        DensityPlot plot(u"Phase plane"_s);
        QVERIFY(plot.isEmpty());
        plot.setPlane(gaussPlane(40, 50));
        plot.resize(800, 400);
        plot.show();
        QVERIFY(ink(plot) > 0.02);
        qint64 u = 0;
        qint64 w = 0;
        for (const QByteArray& line : plot.dataCsv().split('\n')) {
            const auto cells = line.split(',');
            if (cells[0] == "U") u += cells[3].toLongLong();
            if (cells[0] == "W") w += cells[3].toLongLong();
        }
        QCOMPARE(u, 40 * 50);
        QCOMPARE(w, 40 * 50);
    }

    void thePhasePlaneTellsTheCodeUnderThePointer() {
        DensityPlot plot(u"Phase plane"_s);
        plot.setPlane(gaussPlane(64, 64));
        plot.resize(800, 400);
        plot.show();
        plot.flush();
        QCoreApplication::processEvents();
        moveTo(plot, {300, 190}); // right of the middle of U
        QVERIFY2(plot.readoutText().contains(u"code +1"_s), qPrintable(plot.readoutText()));
        QVERIFY(plot.readoutText().startsWith(u"U = "_s));
    }

    void theLadderSelectsALayerByClick() {
        LadderPlot plot(u"Residual ladder"_s);
        plot.resize(500, 300);
        plot.setLayers({u"layers.0.a"_s, u"layers.0.b"_s, u"layers.1.a"_s}, {0, 0, 1});
        QVERIFY(plot.isEmpty());
        for (int layer = 0; layer < 3; ++layer)
            plot.setEnergy(layer, {0.38, 0.13, 0.06});
        plot.setEnergy(7, {0.1}); // no such layer: nothing happens
        plot.show();
        plot.flush();
        QCoreApplication::processEvents();
        QSignalSpy clicked(&plot, &LadderPlot::layerClicked);
        const QPoint middle(280, 120);
        auto* canvas = plot.childAt(middle);
        QTest::mouseClick(canvas, Qt::LeftButton, {}, canvas->mapFrom(&plot, middle));
        QCOMPARE(clicked.size(), 1);
        QCOMPARE(clicked[0][0].toInt(), 1);
        QCOMPARE(plot.dataCsv().count('\n'), 10);
    }

    void scatterDropsWhatCannotBeDrawn() {
        ScatterPlot plot(u"SQNR against loss"_s);
        plot.resize(400, 300);
        plot.setPoints({{u"0"_s, u"0.o"_s, 4.0, 0.4, 0, {}, true, false},
                        {u"1"_s, u"nan"_s, kNaN, 0.4, 0, {}, true, false}});
        QCOMPARE(plot.dataCsv().count('\n'), 2);
        plot.show();
        QVERIFY(ink(plot) > 0.001);
    }

    void plotsFollowTheTheme() {
        BarPlot plot(u"Codes"_s);
        plot.resize(300, 200);
        plot.setBars({u"+1"_s, u"+i"_s}, {{u"U"_s, {0.3, 0.7}, {}}});
        plot.show();
        plot.flush();
        QCoreApplication::processEvents();
        auto& theme = shell::Theme::instance();
        QCOMPARE(plot.grab().toImage().pixelColor(2, 2), theme.colors().surface);
        theme.setWish(shell::SchemeWish::Dark);
        QTRY_COMPARE(plot.grab().toImage().pixelColor(2, 2), shell::colorsOf(shell::Scheme::Dark).surface);
        theme.setWish(shell::SchemeWish::Light);
        QTRY_COMPARE(plot.grab().toImage().pixelColor(2, 2), shell::colorsOf(shell::Scheme::Light).surface);
    }

    void figuresArePrintedInTheColoursOfPaper() {
        BarPlot plot(u"Codes"_s);
        plot.resize(300, 200);
        plot.show();
        plot.setBars({u"+1"_s}, {{u"U"_s, {1}, {}}});
        shell::Theme::instance().setWish(shell::SchemeWish::Dark);
        const QImage image = QImage::fromData(plot.figure(PlotView::Format::Png), "PNG");
        shell::Theme::instance().setWish(shell::SchemeWish::Light);
        QCOMPARE(image.pixelColor(2, 2), shell::colorsOf(shell::Scheme::Light).surface);
    }
};

FAIRY2_GUI_TEST_MAIN(TestPlots)
#include "tst_plots.moc"
