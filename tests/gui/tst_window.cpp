// SPDX-License-Identifier: Apache-2.0
#include "guiapp.h"
#include "models/layersmodel.h"
#include "pages/modelspage/layeranalysis.h"
#include "pages/modelspage/layerspanel.h"
#include "pages/modelspage/modelspage.h"
#include "pages/modelspage/phasepanel.h"
#include "plots/densityplot.h"
#include "shell/actionregistry.h"
#include "shell/card.h"
#include "shell/commandpalette.h"
#include "shell/logstore.h"
#include "shell/mainwindow.h"
#include "shell/noticebar.h"
#include "shell/pickfile.h"
#include "shell/segmentedbuttons.h"
#include "shell/settings.h"
#include "shell/tableview.h"
#include "shell/workspace.h"
#include "testdata.h"

#include <QAbstractButton>
#include <QClipboard>
#include <QDockWidget>
#include <QLineEdit>
#include <QListWidget>
#include <QMimeData>
#include <QSettings>
#include <QSignalSpy>

#include <filesystem>
#include <fstream>

using namespace fairy2;
using namespace fairy2::shell;
using namespace Qt::StringLiterals;

namespace {

constexpr int kPatience = 60000;

QString demo() {
    return QString::fromStdString(tests::environment("FAIRY2_SOURCE")) + u"/resources/demo/stories260K"_s;
}

// The window as a user has it, with short names for what the tests look at.
struct Window {
    Window() {
        window.show();
        [[maybe_unused]] const bool exposed = QTest::qWaitForWindowExposed(&window);
    }
    template <typename Widget>
    Widget* find(const QString& name) {
        return window.findChild<Widget*>(name);
    }
    pages::ModelsPage* models() { return qobject_cast<pages::ModelsPage*>(window.page(u"models"_s)); }
    [[nodiscard]] QString breadcrumb() { return find<QWidget>(u"breadcrumb"_s)->accessibleName(); }
    bool openAndAnalyze(const QString& path) {
        workspace.open(path);
        return QTest::qWaitFor(
            [&] {
                return workspace.checkpoint() != nullptr && !workspace.isOpening() &&
                       models()->analysis().isComplete();
            },
            kPatience);
    }

    Workspace workspace;
    MainWindow window{workspace};
};

} // namespace

class TestWindow : public QObject {
    Q_OBJECT
private slots:
    void cleanup() {
        Theme::instance().setWish(SchemeWish::Light);
        settings().clear();
    }

    void startsEmptyAndOffersTheDemo() {
        Window w;
        QCOMPARE(w.window.currentPage(), u"models"_s);
        auto* button = w.find<QAbstractButton>(u"emptyDemo"_s);
        QVERIFY(button != nullptr && button->isVisible());
    }

    void openingTheDemoByItsButtonFillsTheTable() {
        qputenv("FAIRY2_DATA", tests::environment("FAIRY2_SOURCE").c_str());
        Window w;
        QTest::mouseClick(w.find<QAbstractButton>(u"emptyDemo"_s), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(w.workspace.checkpoint() != nullptr && w.models()->analysis().isComplete(),
                                 kPatience);
        auto* table = w.find<TableView>(u"layerTable"_s);
        QCOMPARE(table->model()->rowCount(), static_cast<int>(w.workspace.checkpoint()->linears().size()));
        QVERIFY(w.breadcrumb().startsWith(u"stories260K"_s));
        // Worst first by weight error, and the window says so.
        QVERIFY(table->model()->index(0, itemmodels::LayersModel::SqnrW2).data(Qt::UserRole).toDouble() <=
                table->model()->index(5, itemmodels::LayersModel::SqnrW2).data(Qt::UserRole).toDouble());
        qunsetenv("FAIRY2_DATA");
    }

    void theOpenDialogTakesAFolder() {
        Window w;
        PickFile::queue(demo());
        w.workspace.actions().find(u"file.open"_s)->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(w.workspace.checkpoint() != nullptr, kPatience);
        QCOMPARE(w.workspace.recent().first(), demo());
    }

    void aFolderDroppedOnTheWindowOpens() {
        Window w;
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(demo())});
        QDragEnterEvent enter({100, 100}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&w.window, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop({100, 100}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&w.window, &drop);
        QTRY_VERIFY_WITH_TIMEOUT(w.workspace.checkpoint() != nullptr, kPatience);
    }

    void whatCannotBeOpenedIsSaidInASentenceAndTheOldModelStays() {
        Window w;
        QVERIFY(w.openAndAnalyze(demo()));
        QTemporaryDir folder;
        std::ofstream((folder.path() + u"/config.json"_s).toStdString()) << "{";
        QSignalSpy failed(&w.workspace, &Workspace::openFailed);
        w.workspace.open(folder.path());
        QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, kPatience);
        auto* notice = w.find<NoticeBar>(u"noticeBar"_s);
        QVERIFY(notice->isVisible());
        QVERIFY2(notice->text().contains(u"config.json"_s), qPrintable(notice->text()));
        QVERIFY(w.breadcrumb().startsWith(u"stories260K"_s));
        QVERIFY(!w.workspace.recent().contains(folder.path()));
    }

    void choosingLayersFastShowsTheLastOnesPlane() {
        Window w;
        QVERIFY(w.openAndAnalyze(demo()));
        auto* panel = w.window.findChild<pages::PhasePanel*>();
        auto* layers = w.window.findChild<pages::LayersPanel*>();
        QSignalSpy shown(panel, &pages::PhasePanel::planeShown);
        for (const int layer : {3, 9, 4, 12})
            layers->selectLayer(layer);
        QTRY_VERIFY_WITH_TIMEOUT(!w.workspace.jobs().isBusy(), kPatience);
        QTRY_VERIFY(shown.size() >= 1);
        const auto& linear = w.workspace.checkpoint()->linears()[12];
        QCOMPARE(panel->title(), itemmodels::LayersModel::shortName(linear.name));
        qint64 entries = 0;
        for (const QByteArray& line : panel->plot().dataCsv().split('\n'))
            if (line.startsWith("U,")) entries += line.split(',')[3].toLongLong();
        QCOMPARE(entries, linear.rows * linear.cols / 4);
    }

    void switchingModelsFastLeavesNothingOfTheFirst() {
        FAIRY2_REAL_FILE(other, "models/llama2xs");
        Window w;
        w.workspace.open(demo());
        w.workspace.open(QString::fromStdString(other.string()));
        w.workspace.open(demo());
        w.workspace.open(QString::fromStdString(other.string()));
        QTRY_VERIFY_WITH_TIMEOUT(w.workspace.checkpoint() != nullptr && !w.workspace.isOpening() &&
                                     w.models()->analysis().isComplete(),
                                 kPatience);
        QVERIFY(w.breadcrumb().startsWith(u"llama2xs"_s));
        QCOMPARE(w.find<TableView>(u"layerTable"_s)->model()->rowCount(),
                 static_cast<int>(w.workspace.checkpoint()->linears().size()));
    }

    void anotherGranularityAnalysesAgain() {
        Window w;
        QVERIFY(w.openAndAnalyze(demo()));
        const double tensor = w.models()->analysis().report(0)->stages[0].residualEnergy;
        auto* scales = w.find<SegmentedButtons>(u"scaleButtons"_s);
        QTest::mouseClick(scales->findChild<QAbstractButton*>(u"row"_s), Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(w.models()->analysis().isComplete(), kPatience);
        QCOMPARE(w.models()->analysis().report(0)->recipe.scale, quant::ScaleGranularity::Row);
        QVERIFY(w.models()->analysis().report(0)->stages[0].residualEnergy < tensor);
    }

    void theFilterKeepsWhatMatches() {
        Window w;
        QVERIFY(w.openAndAnalyze(demo()));
        auto* filter = w.find<QLineEdit>(u"layerFilter"_s);
        QTest::keyClicks(filter, u"*.mlp.up*"_s);
        auto* table = w.find<TableView>(u"layerTable"_s);
        QCOMPARE(table->model()->rowCount(), 5);
        QCOMPARE(table->model()->index(0, 0).data().toString().contains(u"mlp.up"_s), true);
    }

    void theLayerTableCopiesAndExportsRawFigures() {
        Window w;
        QVERIFY(w.openAndAnalyze(demo()));
        auto* table = w.find<TableView>(u"layerTable"_s);
        const QString csv = table->text(TableView::Format::Csv);
        QVERIFY(csv.startsWith(u"name,elements,sqnr_db_w1,sqnr_db_w2\n"_s));
        QCOMPARE(csv.count(u'\n'), table->model()->rowCount() + 1);
        QVERIFY(table->text(TableView::Format::Markdown)
                    .startsWith(u"| layer | shape | W1 dB | W2 dB |\n| --- | ---: |"_s));
        table->selectRow(0);
        table->copySelected();
        QCOMPARE(QGuiApplication::clipboard()->text().count(u'\n'), 2);
    }

    void thePaletteFindsACommandByAFewLettersAndRunsIt() {
        Window w;
        w.window.showPalette();
        auto* palette = w.window.findChild<CommandPalette*>();
        QVERIFY(palette != nullptr);
        auto* field = palette->findChild<QLineEdit*>();
        QTest::keyClicks(field, u"coldark"_s);
        QVERIFY(palette->findChild<QListWidget*>()->currentItem()->text().contains(u"dark"_s));
        QTest::keyClick(field, Qt::Key_Return);
        QCOMPARE(Theme::instance().scheme(), Scheme::Dark);
    }

    void theThemeSwitchesTheWholeWindowLive() {
        Window w;
        QCOMPARE(w.window.palette().color(QPalette::Window), colorsOf(Scheme::Light).window);
        Theme::instance().setWish(SchemeWish::Dark);
        QCOMPARE(w.window.palette().color(QPalette::Window), colorsOf(Scheme::Dark).window);
        const QImage image = w.window.grab().toImage();
        QCOMPARE(image.pixelColor(image.width() / 2, image.height() / 4), colorsOf(Scheme::Dark).surface);
    }

    void pagesHaveTheirShortcuts() {
        Window w;
        auto* first = w.workspace.actions().find(u"page.models"_s);
        QCOMPARE(first->shortcut(), QKeySequence(u"Ctrl+1"_s));
        QVERIFY2(w.workspace.actions().conflicts().isEmpty(), "two commands share a shortcut");
    }

    void aChangedShortcutIsRefusedWhenTakenAndKeptWhenFree() {
        {
            Window w;
            auto& actions = w.workspace.actions();
            auto* open = actions.find(u"file.open"_s);
            QVERIFY(!actions.setShortcut(open, QKeySequence(u"Ctrl+1"_s)));
            QVERIFY(actions.setShortcut(open, QKeySequence(u"Ctrl+Alt+O"_s)));
        }
        Window again;
        QCOMPARE(again.workspace.actions().find(u"file.open"_s)->shortcut(), QKeySequence(u"Ctrl+Alt+O"_s));
    }

    void theLayoutComesBackAndCanBeReset() {
        {
            Window w;
            w.find<QDockWidget>(u"dock.log"_s)->show();
            w.window.close();
        }
        Window again;
        auto* log = again.find<QDockWidget>(u"dock.log"_s);
        QVERIFY(log->isVisible());
        again.window.restoreDefaultLayout();
        QVERIFY(!log->isVisible());
    }

    void aDamagedLayoutLeavesTheDefault() {
        settings().setValue(u"layout/state"_s, QByteArray("\x01\x02 damaged"));
        settings().setValue(u"layout/geometry"_s, QByteArray("also"));
        settings().setValue(u"layout/page"_s, u"no such page"_s);
        Window w;
        QCOMPARE(w.window.currentPage(), u"models"_s);
        QVERIFY(!w.find<QDockWidget>(u"dock.log"_s)->isVisible());
    }

    void failuresReachTheLog() {
        Window w;
        w.workspace.open(u"/no/such/model"_s);
        QTRY_VERIFY_WITH_TIMEOUT(!w.workspace.log().lines().isEmpty(), kPatience);
        QVERIFY(w.workspace.log().lines().last().text.contains(u"/no/such/model"_s));
    }

    void everythingInteractiveHasANameForScreenReaders() {
        Window w;
        QVERIFY(w.openAndAnalyze(demo()));
        QStringList nameless;
        const auto check = [&](const QWidget* widget) {
            if (widget->focusPolicy() == Qt::NoFocus || !widget->isVisibleTo(&w.window)) return;
            if (widget->objectName().startsWith(u"qt_"_s) || widget == &w.window) return;
            if (widget->accessibleName().isEmpty())
                nameless.append(QString::fromLatin1(widget->metaObject()->className()) + u' ' +
                                widget->objectName());
        };
        for (const auto* widget : w.window.findChildren<QAbstractButton*>())
            check(widget);
        for (const auto* widget : w.window.findChildren<QLineEdit*>())
            check(widget);
        for (const auto* widget : w.window.findChildren<QAbstractItemView*>())
            check(widget);
        for (const auto* widget : w.window.findChildren<plots::PlotView*>())
            check(widget);
        nameless.removeAll(u"QToolButton qt_clear_button"_s);
        QVERIFY2(nameless.isEmpty(), qPrintable(nameless.join(u", "_s)));
    }

    void closingWhileTheAnalysisRunsEndsCleanly() {
        FAIRY2_REAL_FILE(model, "models/smollm2-mini-31m");
        Window w;
        w.workspace.open(QString::fromStdString(model.string()));
        QTRY_VERIFY_WITH_TIMEOUT(w.workspace.jobs().running() > 0, kPatience);
        w.window.close();
        // The destructors cancel and join; nothing may be delivered to what is gone.
    }

    void fuzzyScoresPreferWordStartsAndRuns() {
        QCOMPARE(fuzzyScore(u"xyz"_s, u"Open model"_s), -1);
        QCOMPARE(fuzzyScore(u""_s, u"Open model"_s), 0);
        QVERIFY(fuzzyScore(u"om"_s, u"Open model"_s) > fuzzyScore(u"om"_s, u"Shown item"_s));
        QVERIFY(fuzzyScore(u"mod"_s, u"Open model"_s) > fuzzyScore(u"mod"_s, u"my old day"_s));
    }
};

FAIRY2_GUI_TEST_MAIN(TestWindow)
#include "tst_window.moc"
