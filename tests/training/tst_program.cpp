// SPDX-License-Identifier: Apache-2.0
#include "testdata.h"

#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>

using namespace fairy2;

/// The trainer as a program: it starts where it was built, without a library path, GPU or not.
class TestProgram : public QObject {
    Q_OBJECT

private slots:
    void startsWithoutALibraryPath() {
        QProcess trainer;
        auto environment = QProcessEnvironment::systemEnvironment();
        environment.remove("LD_LIBRARY_PATH");
        trainer.setProcessEnvironment(environment);
        trainer.start(QString::fromStdString(tests::program("fairy2-trainer").string()),
                      {"--version", "--json"});
        QVERIFY(trainer.waitForFinished(60000));
        QCOMPARE(trainer.exitCode(), 0);
        const auto document = QJsonDocument::fromJson(trainer.readAllStandardOutput()).object();
        QVERIFY(document["libtorch"].toString().startsWith("2."));
        QVERIFY(document["devices"].isArray());
        const bool hasGpu = !document["devices"].toArray().isEmpty();
        QCOMPARE(document["reason"].toString().isEmpty(), hasGpu);
    }
};

QTEST_APPLESS_MAIN(TestProgram)
#include "tst_program.moc"
