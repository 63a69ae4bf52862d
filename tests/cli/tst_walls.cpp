// SPDX-License-Identifier: Apache-2.0
// The three walls of the design, read off the built binaries and the includes:
//   core knows neither Qt nor LibTorch; LibTorch lives only in core/training; only the workbench links
//   QCustomPlot.
#include "testdata.h"

#include <QDirIterator>
#include <QProcess>
#include <QRegularExpression>

using namespace fairy2;

namespace {

// One `#include` line found in the tree.
struct Include {
    QString file; // relative to the source tree
    QString name; // as written, without <> or ""
};

QVector<Include> includesBelow(const QStringList& folders) {
    static const QRegularExpression line(QStringLiteral("^\\s*#\\s*include\\s*[<\"]([^>\"]+)[>\"]"),
                                         QRegularExpression::MultilineOption);
    const QDir root(QString::fromStdString(tests::environment("FAIRY2_SOURCE")));
    QVector<Include> found;
    for (const auto& folder : folders) {
        QDirIterator files(root.filePath(folder), {"*.h", "*.cpp", "*.cu"}, QDir::Files,
                           QDirIterator::Subdirectories);
        while (files.hasNext()) {
            QFile file(files.next());
            if (!file.open(QIODevice::ReadOnly)) continue;
            const auto text = QString::fromUtf8(file.readAll());
            for (auto match = line.globalMatch(text); match.hasNext();)
                found.append({root.relativeFilePath(file.fileName()), match.next().captured(1)});
        }
    }
    return found;
}

bool isQt(const QString& name) {
    static const QRegularExpression pattern("^(Qt[A-Z0-9]\\w*/|Q[A-Z]|qcustomplot)");
    return pattern.match(name).hasMatch();
}

bool isTorch(const QString& name) {
    static const QRegularExpression pattern("^(torch|ATen|c10)/");
    return pattern.match(name).hasMatch();
}

QString output(const QString& program, const QStringList& arguments) {
    QProcess process;
    process.start(program, arguments);
    if (!process.waitForFinished(60000) || process.exitCode() != 0) return {};
    return QString::fromUtf8(process.readAllStandardOutput());
}

QString programPath(const QString& name) {
    return QString::fromStdString(tests::program(name.toStdString()).string());
}

} // namespace

class TestWalls : public QObject {
    Q_OBJECT
private slots:
    void treeHasIncludes();
    void coreIncludesNoQt();
    void torchStaysInTraining();
    void torchStaysOutOfCudaSources();
    void qcustomplotStaysInPlotSources();
    void binaryLinks_data();
    void binaryLinks();
    void binaryIsHardened_data();
    void binaryIsHardened();
};

void TestWalls::treeHasIncludes() {
    QVERIFY(includesBelow({"core"}).size() > 50);
}

void TestWalls::coreIncludesNoQt() {
    for (const auto& include : includesBelow({"core", "app/cli", "app/trainer"}))
        QVERIFY2(!isQt(include.name), qPrintable(include.file + " includes " + include.name));
}

void TestWalls::torchStaysInTraining() {
    for (const auto& include : includesBelow({"core", "widgets", "app"})) {
        if (include.file.startsWith("core/training/") || include.file.startsWith("app/trainer/")) continue;
        QVERIFY2(!isTorch(include.name), qPrintable(include.file + " includes " + include.name));
    }
}

void TestWalls::torchStaysOutOfCudaSources() {
    for (const auto& include : includesBelow({"core/training/cuda"}))
        if (include.file.endsWith(".cu"))
            QVERIFY2(!isTorch(include.name), qPrintable(include.file + " includes " + include.name));
}

void TestWalls::qcustomplotStaysInPlotSources() {
    for (const auto& include : includesBelow({"core", "widgets", "app"}))
        if (include.name.contains("qcustomplot", Qt::CaseInsensitive))
            QVERIFY2(include.file.startsWith("widgets/plots/"),
                     qPrintable(include.file + " includes " + include.name));
}

void TestWalls::binaryLinks_data() {
    QTest::addColumn<QString>("program");
    QTest::addColumn<QString>("forbidden"); // regular expression over library names
    QTest::addColumn<QString>("required");
    QTest::newRow("the command line links neither Qt nor LibTorch")
        << "fairy2"
        << "^(libQt|libQCustomPlot|libqcustomplot|libtorch|libc10|libcuda|libnccl|libarrow|libparquet)"
        << "^libstdc";
#ifdef FAIRY2_HAS_TRAINER
    QTest::newRow("the trainer links LibTorch, but no Qt, no Arrow and not the GPU module")
        << "fairy2-trainer"
        << "^(libQt|libQCustomPlot|libqcustomplot|libarrow|libparquet|fairy2_cuda|libtorch_cuda)"
        << "^libtorch_cpu";
#endif
#ifdef FAIRY2_HAS_GUI
    QTest::newRow("the workbench links QCustomPlot, but no LibTorch") << "fairy2-workbench"
                                                                      << "^(libtorch|libc10|libcuda|libnccl)"
                                                                      << "^libQCustomPlot";
#endif
}

void TestWalls::binaryLinks() {
    QFETCH(QString, program);
    QFETCH(QString, forbidden);
    QFETCH(QString, required);
    // ldd follows every library's own needs, so nothing can hide behind another one.
    const auto libraries = output("ldd", {programPath(program)});
    QVERIFY2(!libraries.isEmpty(), qPrintable(program + " is missing"));
    const QRegularExpression no(forbidden);
    const QRegularExpression yes(required);
    bool seen = false;
    for (const auto& line : libraries.split('\n', Qt::SkipEmptyParts)) {
        const auto name = line.trimmed().section(' ', 0, 0);
        QVERIFY2(!no.match(name).hasMatch(), qPrintable(program + " needs " + name));
        seen = seen || yes.match(name).hasMatch();
    }
    QVERIFY2(seen, qPrintable(program + " does not link " + required));
}

void TestWalls::binaryIsHardened_data() {
    QTest::addColumn<QString>("program");
    QTest::newRow("fairy2") << "fairy2";
#ifdef FAIRY2_HAS_TRAINER
    QTest::newRow("fairy2-trainer") << "fairy2-trainer";
#endif
#ifdef FAIRY2_HAS_GUI
    QTest::newRow("fairy2-workbench") << "fairy2-workbench";
#endif
}

void TestWalls::binaryIsHardened() {
    QFETCH(QString, program);
    const auto path = programPath(program);
    const auto headers = output("readelf", {"-W", "-h", "-l", "-d", path});
    QVERIFY2(headers.contains("DYN (Position-Independent Executable"), qPrintable(program));
    QVERIFY2(headers.contains("GNU_RELRO"), qPrintable(program));
    QVERIFY2(headers.contains("NOW"), qPrintable(program));
    static const QRegularExpression executableStack("GNU_STACK.*RWE");
    QVERIFY2(!executableStack.match(headers).hasMatch(), qPrintable(program));
    QVERIFY2(output("nm", {"-D", path}).contains("__stack_chk_fail"), qPrintable(program));
}

QTEST_APPLESS_MAIN(TestWalls)
#include "tst_walls.moc"
