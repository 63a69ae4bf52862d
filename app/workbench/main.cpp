// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/paths.h"
#include "shell/mainwindow.h"
#include "shell/screenshottour.h"
#include "shell/settings.h"
#include "shell/theme.h"
#include "shell/translation.h"
#include "shell/workspace.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QElapsedTimer>
#include <QProcess>
#include <QSettings>
#include <QTemporaryDir>
#include <QTimer>

#include <cstdio>

using namespace Qt::StringLiterals;
using namespace fairy2;

namespace {

// Tells when the first frame of the window is on the screen, measured from the start of main().
class FirstPaint : public QObject {
public:
    FirstPaint(const QElapsedTimer& clock, bool andQuit, QObject* parent)
        : QObject(parent), m_clock(clock), m_andQuit(andQuit) {}

private:
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() != QEvent::Paint) return false;
        watched->removeEventFilter(this);
        // The event that follows the paint event runs when it is done.
        QTimer::singleShot(0, this, [this] {
            const auto ms = m_clock.elapsed();
            base::log(base::LogLevel::Debug, "first paint after " + std::to_string(ms) + " ms");
            if (!m_andQuit) return;
            std::printf("first paint after %lld ms\n", static_cast<long long>(ms));
            QCoreApplication::quit();
        });
        return false;
    }

    QElapsedTimer m_clock;
    bool m_andQuit;
};

constexpr auto kScaleVariable = "QT_SCALE_FACTOR";

// A screen of scale 2 needs a process of its own: Qt reads its scale once, at the start.
int runTwiceAsLarge(const QString& folder, const QStringList& models) {
    QProcess process;
    auto environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QString::fromLatin1(kScaleVariable), u"2"_s);
    process.setProcessEnvironment(environment);
    process.setProcessChannelMode(QProcess::ForwardedChannels);
    process.start(QCoreApplication::applicationFilePath(), QStringList{u"--screenshots"_s, folder} + models);
    process.waitForFinished(-1);
    return process.exitStatus() == QProcess::NormalExit ? process.exitCode() : 1;
}

int takeScreenshots(const QString& folder, const QStringList& models) {
    shell::Workspace workspace;
    shell::MainWindow window(workspace);
    window.show();
    shell::ScreenshotTour tour(window, folder, models.value(0));
    QObject::connect(&tour, &shell::ScreenshotTour::finished, qApp, [](const QStringList& failed) {
        for (const QString& file : failed)
            std::fprintf(stderr, "fairy2-workbench: cannot write %s\n", qPrintable(file));
        QCoreApplication::exit(failed.isEmpty() ? 0 : 1);
    });
    tour.start();
    const int code = QApplication::exec();
    return code != 0 || qEnvironmentVariableIsSet(kScaleVariable) ? code : runTwiceAsLarge(folder, models);
}

} // namespace

int main(int argc, char** argv) {
    QElapsedTimer clock;
    clock.start();
    QApplication application(argc, argv);
    QApplication::setApplicationName(u"fairy2-workbench"_s);
    QApplication::setApplicationDisplayName(u"Fairy2"_s);
    QApplication::setApplicationVersion(QString::fromLatin1(base::version()));
    QApplication::setDesktopFileName(u"io.github.fairy2.Workbench"_s);

    shell::installTranslation();

    QCommandLineParser parser;
    parser.setApplicationDescription(
        QCoreApplication::translate("main", "Workbench for 1- and 2-bit language models"));
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addPositionalArgument(
        u"PATH"_s, QCoreApplication::translate("main", "Model folder, file or org/name to open"),
        u"[PATH…]"_s);
    const QCommandLineOption pageOption(
        u"page"_s, QCoreApplication::translate("main", "Show this page first"), u"NAME"_s);
    const QCommandLineOption measureOption(
        u"measure-start"_s,
        QCoreApplication::translate("main", "Print the time to the first paint and quit"));
    const QCommandLineOption screenshotsOption(
        u"screenshots"_s,
        QCoreApplication::translate("main", "Write a picture of every page and dialog, then quit"), u"DIR"_s);
    parser.addOptions({pageOption, measureOption, screenshotsOption});
    parser.process(application);

    // Pictures show the demo alone, never the runs and settings of whoever takes them.
    const QTemporaryDir demoHome;
    if (parser.isSet(screenshotsOption)) qputenv("FAIRY2_HOME", demoHome.path().toLocal8Bit());

    auto& theme = shell::Theme::instance();
    theme.setWish(static_cast<shell::SchemeWish>(shell::settings().value(u"view/theme"_s, 0).toInt()));
    theme.install();

    if (parser.isSet(screenshotsOption))
        return takeScreenshots(parser.value(screenshotsOption), parser.positionalArguments());

    shell::Workspace workspace;
    shell::MainWindow window(workspace);
    window.installEventFilter(new FirstPaint(clock, parser.isSet(measureOption), &application));
    if (parser.isSet(pageOption)) window.showPage(parser.value(pageOption));
    window.show();
    for (const QString& path : parser.positionalArguments())
        workspace.open(path);
    return QApplication::exec();
}
