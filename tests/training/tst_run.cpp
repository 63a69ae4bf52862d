// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "runs/rundirectory.h"
#include "testdata.h"

#include <QElapsedTimer>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QThread>
#include <csignal>

using namespace fairy2;

namespace {

using Metric = std::vector<std::pair<std::int64_t, double>>;

base::Path demo() {
    return base::Path(tests::environment("FAIRY2_SOURCE")) / "resources/demo/stories260K";
}

base::Json config(const base::Json& training = base::Json::object()) {
    const auto rows = tests::dataFile("training/stories260k_rows.safetensors").string();
    base::Json all = {{"model", {{"path", demo().string()}}},
                      {"training",
                       {{"stages", 2},
                        {"max_steps", 16},
                        {"micro_batch_size", 2},
                        {"gradient_accumulation", 2},
                        {"learning_rate", 1e-3},
                        {"warmup_steps", 2},
                        {"weight_decay", 0.1},
                        {"save_every", 4},
                        {"eval_every", 8}}},
                      {"data",
                       {{"tokens", rows},
                        {"tokens_key", "train"},
                        {"validation", rows},
                        {"validation_key", "val"},
                        {"shuffle", true}}}};
    all["training"].update(training);
    return all;
}

} // namespace

/// The trainer as a process over a run directory: log, checkpoints, signals, resume.
class TestRun : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        QVERIFY(m_folder.isValid());
        const auto run = create("whole", config());
        QCOMPARE(train(run, false), 0);
        m_whole = run.path();
        m_losses = metric(run, "loss");
        QCOMPARE(m_losses.size(), std::size_t(16));
    }

    void logHoldsEveryMetric() {
        const auto run = *runs::RunDirectory::open(m_whole);
        for (const char* tag : {"grad_norm", "lr", "tokens_per_second"})
            QCOMPARE(metric(run, tag).size(), std::size_t(16));
        QCOMPARE(metric(run, "flip_rate").size(), std::size_t(3));
        const auto validation = metric(run, "val_loss");
        QCOMPARE(validation.size(), std::size_t(3));
        QCOMPARE(validation.front().first, 0);
        QVERIFY(validation.back().second < validation.front().second);
        const auto summary = run.summary();
        FAIRY2_OK(summary);
        QCOMPARE(summary->checkpoints.size(), std::size_t(4));
        QCOMPARE(summary->step, 16);
        std::int64_t layerDocuments = 0;
        for (const auto& file : runs::logFiles(run.logDirectory())) {
            const auto chunk = runs::readLog(file);
            FAIRY2_OK(chunk);
            for (const auto& record : chunk->records) {
                if (!record.document.is_object() || record.document["type"] != "layers") continue;
                ++layerDocuments;
                QCOMPARE(record.document["layers"].size(), std::size_t(35));
                QCOMPARE(record.document["layers"][0]["residual_energy"].size(), std::size_t(2));
            }
        }
        QCOMPARE(layerDocuments, 3);
    }

    void checkpointIsAModelFolder() {
        const auto run = *runs::RunDirectory::open(m_whole);
        const auto latest = run.latestCheckpoint();
        QVERIFY(latest.has_value());
        QCOMPARE(latest->step, 16);
        QCOMPARE(latest->path.filename().string(), std::string("step-000016"));
        for (const char* file : {"model.safetensors", "optim.safetensors", "config.json", "fairy2.json",
                                 "state.json", "manifest.json", "tokenizer.json"})
            QVERIFY2(std::filesystem::exists(latest->path / file), file);
        const auto state = base::readJson(latest->path / "state.json");
        FAIRY2_OK(state);
        QCOMPARE((*state)["position"].get<int>(), 64);
        QCOMPARE((*state)["updates"].get<int>(), 16);
        for (const auto& entry : std::filesystem::directory_iterator(run.checkpointDirectory()))
            QVERIFY2(entry.path().string().find(".tmp-") == std::string::npos, entry.path().c_str());
    }

    void evaluatesItsOwnCheckpoint() {
        const auto run = *runs::RunDirectory::open(m_whole);
        const auto rows =
            QString::fromStdString(tests::dataFile("training/stories260k_rows.safetensors").string());
        const auto checkpoint = QString::fromStdString(run.latestCheckpoint()->path.string());
        const auto document = evaluate({checkpoint, "--tokens", rows, "--key", "val"});
        QVERIFY(std::abs(document["nats_per_token"].toDouble() - metric(run, "val_loss").back().second) <
                1e-6);
        QCOMPARE(document["tokens_scored"].toInt(), 8 * 127);
        QCOMPARE(document["engine"].toString(), QString("torch"));
        const auto plain = evaluate({checkpoint, "--tokens", rows, "--key", "val", "--stages", "0"});
        QVERIFY(std::abs(plain["nats_per_token"].toDouble() - document["nats_per_token"].toDouble()) > 0.1);
    }

    void aSecondStartWithoutResumeIsRefused() {
        const auto run = *runs::RunDirectory::open(m_whole);
        QString errors;
        QCOMPARE(train(run, false, &errors), 2);
        QVERIFY2(errors.contains("--resume"), qPrintable(errors));
    }

    void interruptedRunEndsLikeTheWholeOne_data() {
        QTest::addColumn<int>("signal");
        QTest::addColumn<int>("atStep");
        QTest::newRow("SIGTERM") << SIGTERM << 3;
        QTest::newRow("SIGTERM just behind a save") << SIGTERM << 9;
        QTest::newRow("SIGINT") << SIGINT << 6;
        QTest::newRow("SIGKILL") << SIGKILL << 7;
        QTest::newRow("SIGKILL before the first save") << SIGKILL << 2;
    }
    void interruptedRunEndsLikeTheWholeOne() {
        QFETCH(int, signal);
        QFETCH(int, atStep);
        const auto run = create(QTest::currentDataTag(), config());
        QProcess trainer;
        start(trainer, run, false);
        QVERIFY(waitForStep(run, atStep));
        ::kill(static_cast<pid_t>(trainer.processId()), signal);
        QVERIFY(trainer.waitForFinished(60000));
        QCOMPARE(trainer.exitStatus(), signal == SIGKILL ? QProcess::CrashExit : QProcess::NormalExit);
        const auto stoppedAt = static_cast<std::int64_t>(metric(run, "loss").size());
        if (signal != SIGKILL) {
            QCOMPARE(trainer.exitCode(), 0);
            QVERIFY(run.latestCheckpoint().has_value());
            QCOMPARE(run.latestCheckpoint()->step, stoppedAt);
        }
        QCOMPARE(train(run, true), 0);
        const auto losses = metric(run, "loss");
        QVERIFY2(losses == m_losses, qPrintable(QString("%1 steps").arg(losses.size())));
        QVERIFY(metric(run, "grad_norm") == metric(*runs::RunDirectory::open(m_whole), "grad_norm"));
        for (const char* file : {"model.safetensors", "optim.safetensors"})
            QCOMPARE(*base::sha256OfFile(run.latestCheckpoint()->path / file),
                     *base::sha256OfFile(m_whole / "checkpoints/step-000016" / file));
    }

    void aDamagedCheckpointIsPassedOver() {
        const auto run = create("damaged", config());
        QCOMPARE(train(run, false), 0);
        std::filesystem::remove_all(run.checkpointDirectory() / "step-000016");
        QFile file(
            QString::fromStdString((run.checkpointDirectory() / "step-000012/optim.safetensors").string()));
        QVERIFY(file.open(QIODevice::ReadWrite));
        file.seek(file.size() / 2);
        file.write("x", 1);
        file.close();
        std::filesystem::create_directories(run.checkpointDirectory() / "step-000014.tmp-dead");
        QCOMPARE(train(run, true), 0);
        QVERIFY(metric(run, "loss") == m_losses);
        QVERIFY(!std::filesystem::exists(run.checkpointDirectory() / "step-000014.tmp-dead"));
        QCOMPARE(run.latestCheckpoint()->step, 16);
    }

    void badConfigurationsAreSentences_data() {
        QTest::addColumn<QString>("training");
        QTest::addColumn<QString>("expected");
        QTest::newRow("bf16 without a GPU") << R"({"precision": "bf16"})"
                                            << "training.precision";
        QTest::newRow("a row too short") << R"({"sequence_length": 4096})"
                                         << "training.sequence_length";
    }
    void badConfigurationsAreSentences() {
        QFETCH(QString, training);
        QFETCH(QString, expected);
        const auto run = create(QTest::currentDataTag(), config(base::Json::parse(training.toStdString())));
        QString errors;
        QCOMPARE(train(run, false, &errors), 3);
        QVERIFY2(errors.contains(expected), qPrintable(errors));
        QVERIFY(!std::filesystem::exists(run.checkpointDirectory()) ||
                std::filesystem::is_empty(run.checkpointDirectory()));
    }

    void distillationComesCloserToTheTeacher() {
        const auto run = create("distilled", config({{"max_steps", 6},
                                                     {"ce_weight", 0.0},
                                                     {"distill", {{"weight", 1.0}, {"temperature", 2.0}}}}));
        QCOMPARE(train(run, false), 0);
        const auto divergence = metric(run, "distill_loss");
        QCOMPARE(divergence.size(), std::size_t(6));
        QVERIFY(divergence.back().second < 0.8 * divergence.front().second);
        const auto losses = metric(run, "loss");
        QVERIFY(std::abs(losses[2].second - 4 * divergence[2].second) < 1e-6);
        const auto validation = metric(run, "val_loss");
        QVERIFY(validation.back().second < validation.front().second);
    }

    void randomWeightsTrainFromTheConfigurationAlone() {
        const base::Path model = base::Path(m_folder.path().toStdString()) / "config-only";
        std::filesystem::create_directories(model);
        std::filesystem::copy_file(demo() / "config.json", model / "config.json");
        auto settings = config({{"max_steps", 2}, {"eval_every", 0}});
        settings["model"] = {{"path", model.string()}, {"init", "random"}};
        const auto run = create("random", settings);
        QCOMPARE(train(run, false), 0);
        const auto losses = metric(run, "loss");
        // Weights around zero: every one of the 512 tokens is about equally likely.
        QVERIFY2(std::abs(losses.front().second - std::log(512.0)) < 0.3,
                 qPrintable(QString::number(losses.front().second)));
    }

private:
    runs::RunDirectory create(const std::string& name, const base::Json& settings) const {
        std::string folder = name;
        std::replace(folder.begin(), folder.end(), ' ', '-');
        auto run = runs::RunDirectory::create(base::Path(m_folder.path().toStdString()) / "runs" / folder,
                                              settings, base::Json::object(), "fairy2 train", name);
        if (!run) qFatal("%s", run.error().sentence().c_str());
        return *run;
    }

    static void start(QProcess& trainer, const runs::RunDirectory& run, bool resume) {
        auto environment = QProcessEnvironment::systemEnvironment();
        environment.insert("FAIRY2_THREADS", "1");
        trainer.setProcessEnvironment(environment);
        QStringList arguments = {"run", QString::fromStdString(run.path().string())};
        if (resume) arguments << "--resume";
        trainer.start(QString::fromStdString(tests::program("fairy2-trainer").string()), arguments);
    }

    static int train(const runs::RunDirectory& run, bool resume, QString* errors = nullptr) {
        QProcess trainer;
        start(trainer, run, resume);
        if (!trainer.waitForFinished(120000)) return -1;
        const auto output = QString::fromUtf8(trainer.readAllStandardError());
        if (errors != nullptr)
            *errors = output;
        else if (trainer.exitCode() != 0)
            qWarning("%s", qPrintable(output));
        return trainer.exitCode();
    }

    static Metric metric(const runs::RunDirectory& run, const std::string& tag) {
        auto values = run.metric(tag);
        return values ? *values : Metric();
    }

    static bool waitForStep(const runs::RunDirectory& run, int step) {
        QElapsedTimer timer;
        timer.start();
        while (timer.elapsed() < 60000) {
            if (metric(run, "loss").size() >= static_cast<std::size_t>(step)) return true;
            QThread::msleep(2);
        }
        return false;
    }

    static QJsonObject evaluate(const QStringList& arguments) {
        QProcess trainer;
        trainer.start(QString::fromStdString(tests::program("fairy2-trainer").string()),
                      QStringList{"eval", "--json"} + arguments);
        trainer.waitForFinished(60000);
        return QJsonDocument::fromJson(trainer.readAllStandardOutput()).object();
    }

    QTemporaryDir m_folder;
    base::Path m_whole;
    Metric m_losses;
};

QTEST_APPLESS_MAIN(TestRun)
#include "tst_run.moc"
