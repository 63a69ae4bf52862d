// SPDX-License-Identifier: Apache-2.0
#include "models/qualitymodel.h"
#include "models/roles.h"
#include "models/runsmodel.h"
#include "pages/comparepage/heatgrid.h"
#include "pages/evaluatepage/answerview.h"
#include "pages/runstore.h"
#include "pages/trainpage/trainpage.h"
#include "plots/plotview.h"
#include "shell/mainwindow.h"
#include "shell/registryservice.h"
#include "shell/tableview.h"
#include "shell/theme.h"
#include "shell/workspace.h"
#include "testdata.h"
#include "wizards/exportwizard.h"

#include <QClipboard>
#include <QDir>
#include <QLabel>
#include <QFile>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QTemporaryDir>

using namespace Qt::StringLiterals;
using namespace fairy2;

/// The whole main job in the real window on the bundled demo: open, inspect, train W1 and W2 with the real
/// trainer, watch, compare, export, open what was exported, and let it write. Screenshots of every station
/// are left in the build folder.
class TestMainJob : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void cleanupTestCase();
    void opensTheDemo();
    void trainPageResolvesOverridesAsTheyAreTyped();
    void trainPageNamesTheKeyThatIsWrong();
    void commandSurvivesTheRoundTrip();
    void trainsW1AndW2();
    void runsPageShowsBothRuns();
    void notesAndTagsAreKept();
    void comparesTheRuns();
    void exportsPackedThroughTheWizard();
    void evaluatesWhatWasExported();

private:
    template <typename Widget>
    [[nodiscard]] Widget* find(const char* name) const {
        return m_window->findChild<Widget*>(QString::fromLatin1(name));
    }
    [[nodiscard]] const itemmodels::RunRow* run(const char* name) const;
    void train(const QString& overrides, const char* name);
    void shoot(const QString& name) const;

    QTemporaryDir m_home;
    std::unique_ptr<shell::Workspace> m_workspace;
    std::unique_ptr<shell::MainWindow> m_window;
    bool m_hasTrainer = false;
    QString m_exported;
};

namespace {

constexpr int kShort = 20000;
constexpr int kLong = 240000; ///< a loaded machine with sanitizers

} // namespace

void TestMainJob::initTestCase() {
    QVERIFY(m_home.isValid());
    qputenv("FAIRY2_HOME", m_home.path().toUtf8());
    qputenv("FAIRY2_DATA", QByteArray::fromStdString(tests::environment("FAIRY2_SOURCE")));
    // Programs of this build, not installed ones.
    qputenv("PATH", QByteArray::fromStdString(tests::environment("FAIRY2_BIN")) + ':' + qgetenv("PATH"));
    m_hasTrainer = std::filesystem::exists(tests::program("fairy2-trainer"));
    shell::Theme::instance().setWish(shell::SchemeWish::Light);
    shell::Theme::instance().install();
    m_workspace = std::make_unique<shell::Workspace>();
    m_window = std::make_unique<shell::MainWindow>(*m_workspace);
    m_window->resize(1440, 900);
    m_window->show();
    QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
}

void TestMainJob::cleanupTestCase() {
    m_window.reset();
    m_workspace.reset();
}

void TestMainJob::shoot(const QString& name) const {
    const QDir folder(QString::fromStdString(tests::environment("FAIRY2_BIN")) + u"/../screenshots"_s);
    folder.mkpath(u"."_s);
    for (const auto& [wish, suffix] : {std::pair(shell::SchemeWish::Dark, u"-dark.png"_s),
                                       std::pair(shell::SchemeWish::Light, u"-light.png"_s)}) {
        shell::Theme::instance().setWish(wish);
        for (auto* plot : m_window->findChildren<plots::PlotView*>())
            plot->flush();
        auto* dialog = m_window->findChild<QDialog*>(u"exportWizard"_s);
        auto* widget =
            dialog != nullptr && dialog->isVisible() ? static_cast<QWidget*>(dialog) : m_window.get();
        QVERIFY(widget->grab().save(folder.filePath(name + suffix)));
    }
}

const itemmodels::RunRow* TestMainJob::run(const char* name) const {
    for (const auto& row : pages::RunStore::of(*m_workspace).rows())
        if (row.summary.annotations.name == name) return &row;
    return nullptr;
}

void TestMainJob::opensTheDemo() {
    m_workspace->openDemo();
    QTRY_VERIFY_WITH_TIMEOUT(m_workspace->checkpoint() != nullptr, kShort);
    m_window->showPage(u"models"_s);
    QTRY_COMPARE(m_window->currentPage(), u"models"_s);
    QVERIFY(!m_workspace->checkpoint()->linears().empty());
    shoot(u"models"_s);
}

void TestMainJob::trainPageResolvesOverridesAsTheyAreTyped() {
    m_window->showPage(u"train"_s);
    auto* text = find<QPlainTextEdit>("overrides");
    QVERIFY(text != nullptr);
    QTRY_VERIFY_WITH_TIMEOUT(find<QWidget>("preset_fairy2_w1") != nullptr, kShort);
    QTest::mouseClick(find<QWidget>("preset_fairy2_w1"), Qt::LeftButton);
    QVERIFY(text->toPlainText().contains(u"training=fairy2_w1"_s));
    text->setFocus();
    text->moveCursor(QTextCursor::End);
    QTest::keyClick(text, Qt::Key_Return);
    QTest::keyClicks(text, u"training.max_steps=20"_s);
    auto* tree = find<QAbstractItemView>("configTree");
    const auto valueOf = [tree](const QString& key) {
        const auto* model = tree->model();
        const auto found = model->match(model->index(0, 0), itemmodels::IdRole, key, 1,
                                        Qt::MatchExactly | Qt::MatchRecursive);
        return found.isEmpty() ? QString()
                               : found.front().siblingAtColumn(1).data(itemmodels::RawRole).toString();
    };
    QTRY_COMPARE_WITH_TIMEOUT(valueOf(u"training.max_steps"_s), u"20"_s, kShort);
    QCOMPARE(valueOf(u"training.stages"_s), u"1"_s);
    shoot(u"train"_s);
}

void TestMainJob::trainPageNamesTheKeyThatIsWrong() {
    auto* text = find<QPlainTextEdit>("overrides");
    auto* problem = find<QLabel>("overridesProblem");
    auto* start = find<QPushButton>("startTraining");
    text->setPlainText(u"training.max_stepz=20"_s);
    QVERIFY(!start->isEnabled());
    QTRY_VERIFY_WITH_TIMEOUT(problem->isVisible() && problem->text().contains(u"max_stepz"_s), kShort);
    QVERIFY(!start->isEnabled());
    QVERIFY2(find<QLabel>("startReason")->text().contains(u"Cannot start"_s),
             qPrintable(find<QLabel>("startReason")->text()));
    shoot(u"train-problem"_s);
    text->setPlainText(u"run.name='open"_s);
    QTRY_VERIFY_WITH_TIMEOUT(problem->text().contains(u"quotation mark"_s), kShort);
    text->setPlainText({});
    QTRY_VERIFY_WITH_TIMEOUT(!problem->isVisible(), kShort);
}

void TestMainJob::commandSurvivesTheRoundTrip() {
    auto* text = find<QPlainTextEdit>("overrides");
    text->setPlainText(
        u"training=fairy2_w1 training.max_steps=7 \"run.name='two words'\" 'training.betas=[0.9, 0.99]'"_s);
    auto* page = m_window->findChild<pages::TrainPage*>();
    QTRY_VERIFY_WITH_TIMEOUT(page->command().contains(u"two words"_s), kShort);
    QTest::mouseClick(find<QPushButton>("copyCommand"), Qt::LeftButton);
    const QString command = QGuiApplication::clipboard()->text();
    QVERIFY(command.startsWith(u"fairy2 train "_s));
    const auto typed = itemmodels::OverrideList::parse(text->toPlainText());
    const auto pasted = itemmodels::OverrideList::parse(command.mid(u"fairy2 train "_s.size()));
    FAIRY2_OK(typed);
    FAIRY2_OK(pasted);
    const auto first = config::compose(typed->words());
    const auto second = config::compose(pasted->words());
    FAIRY2_OK(first);
    FAIRY2_OK(second);
    QVERIFY(first->tree == second->tree);
    QCOMPARE(first->tree["run"]["name"].get<std::string>(), std::string("two words"));
}

void TestMainJob::train(const QString& overrides, const char* name) {
    m_window->showPage(u"train"_s);
    auto* text = find<QPlainTextEdit>("overrides");
    auto* start = find<QPushButton>("startTraining");
    text->setPlainText(overrides + u"\nrun.name="_s + QString::fromLatin1(name));
    QTRY_VERIFY2_WITH_TIMEOUT(start->isEnabled(), qPrintable(find<QLabel>("startReason")->text()), kShort);
    QTest::mouseClick(start, Qt::LeftButton);
    QTRY_COMPARE_WITH_TIMEOUT(m_window->currentPage(), u"runs"_s, kShort);
    QTRY_VERIFY_WITH_TIMEOUT(run(name) != nullptr, kShort);
    QCOMPARE(pages::RunStore::of(*m_workspace).current(), run(name)->summary.uuid);
    QTRY_VERIFY_WITH_TIMEOUT(!run(name)->live(), kLong);
    QVERIFY2(run(name)->summary.state == runs::RunState::Finished, run(name)->summary.reason.c_str());
}

void TestMainJob::trainsW1AndW2() {
    if (!m_hasTrainer) QSKIP("needs fairy2-trainer, which this build does not have");
    train(u"training=fairy2_w1\ntraining.max_steps=20"_s, "W1");
    train(u"training.max_steps=20\ntraining.learning_rate=2e-3"_s, "W2");
    QCOMPARE(run("W1")->summary.step, 20);
    QVERIFY(run("W2")->loss.has_value());
    QVERIFY(run("W1")->color != run("W2")->color);
}

void TestMainJob::runsPageShowsBothRuns() {
    if (!m_hasTrainer) QSKIP("needs fairy2-trainer, which this build does not have");
    m_window->showPage(u"runs"_s);
    auto* table = find<shell::TableView>("runs");
    QTRY_COMPARE_WITH_TIMEOUT(table->model()->rowCount(), 2, kShort);
    auto* plot = find<plots::PlotView>("lossPlot");
    QTRY_VERIFY_WITH_TIMEOUT(!plot->isEmpty(), kShort);
    QTRY_COMPARE_WITH_TIMEOUT(find<QLabel>("runState")->text(),
                              itemmodels::stateText(runs::RunState::Finished), kShort);
    QTRY_VERIFY_WITH_TIMEOUT(!find<QPlainTextEdit>("runConsole")->toPlainText().isEmpty(), kShort);
    QVERIFY(find<shell::TableView>("runCheckpoints")->model()->rowCount() > 0);
    QTest::mouseClick(find<QPushButton>("checkpointVerify"), Qt::LeftButton);
    const auto* checkpoints = find<shell::TableView>("runCheckpoints")->model();
    QTRY_VERIFY_WITH_TIMEOUT(checkpoints->index(0, 2).data().toString().contains(u'✓'), kShort);

    auto* filter = find<QLineEdit>("runFilter");
    filter->setText(u"cfg.stages=1"_s);
    QTRY_COMPARE(table->model()->rowCount(), 1);
    filter->setText(u"colour:red"_s);
    QVERIFY(find<QLabel>("runFilterProblem")->text().contains(u"colour"_s));
    QCOMPARE(table->model()->rowCount(), 1);
    filter->clear();
    QTRY_COMPARE(table->model()->rowCount(), 2);
    shoot(u"runs"_s);
}

void TestMainJob::notesAndTagsAreKept() {
    if (!m_hasTrainer) QSKIP("needs fairy2-trainer, which this build does not have");
    auto& store = pages::RunStore::of(*m_workspace);
    store.annotate(run("W1")->summary.uuid, [](runs::Annotations& annotations) {
        annotations.notes = "first light";
        annotations.tags = {"demo"};
    });
    QTRY_COMPARE_WITH_TIMEOUT(run("W1")->summary.annotations.notes, std::string("first light"), kShort);
    auto* filter = find<QLineEdit>("runFilter");
    filter->setText(u"tag:demo note:light"_s);
    QTRY_COMPARE(find<shell::TableView>("runs")->model()->rowCount(), 1);
    filter->clear();
}

void TestMainJob::comparesTheRuns() {
    if (!m_hasTrainer) QSKIP("needs fairy2-trainer, which this build does not have");
    m_window->showPage(u"compare"_s);
    const auto* table = find<shell::TableView>("quality");
    QTRY_COMPARE_WITH_TIMEOUT(table->model()->rowCount(), 3, kShort);
    auto* evaluate = find<QPushButton>("evaluateMissing");
    QTRY_VERIFY_WITH_TIMEOUT(evaluate->isEnabled(), kShort);
    QTest::mouseClick(evaluate, Qt::LeftButton);
    QTRY_COMPARE_WITH_TIMEOUT(table->model()->columnCount(), 4, kLong);
    const auto isFilled = [table] {
        for (int row = 0; row < table->model()->rowCount(); ++row)
            if (!table->model()->index(row, 2).data(itemmodels::RawRole).isValid()) return false;
        return true;
    };
    QTRY_VERIFY_WITH_TIMEOUT(isFilled(), kLong);
    QTRY_VERIFY_WITH_TIMEOUT(!find<pages::HeatGrid>("layerGrid")->isEmpty(), kLong);
    QVERIFY(!find<plots::PlotView>("sizePlot")->isEmpty());
    const auto* diff = find<shell::TableView>("configDiff")->model();
    QStringList keys;
    for (int row = 0; row < diff->rowCount(); ++row)
        keys << diff->index(row, 0).data().toString();
    QVERIFY2(keys.contains(u"training.stages"_s) && keys.contains(u"training.learning_rate"_s),
             qPrintable(keys.join(u' ')));
    QTest::mouseClick(find<QPushButton>("copyMarkdown"), Qt::LeftButton);
    QVERIFY(QGuiApplication::clipboard()->text().contains(u"| W1 |"_s));
    shoot(u"compare"_s);
}

void TestMainJob::exportsPackedThroughTheWizard() {
    const QString source = m_hasTrainer
                               ? QString::fromStdString(run("W2")->summary.checkpoints.back().path.string())
                               : shell::Workspace::demoPath();
    auto* wizard = qobject_cast<wizards::ExportWizard*>(m_window->showDialog(u"export"_s, source));
    QVERIFY(wizard != nullptr);
    auto* next = wizard->findChild<QPushButton*>(u"wizardNext"_s);
    auto* reason = wizard->findChild<QLabel*>(u"wizardReason"_s);
    QTRY_VERIFY2_WITH_TIMEOUT(next->isEnabled(), qPrintable(reason->text()), kShort);
    shoot(u"export-1-source"_s);
    QTest::mouseClick(next, Qt::LeftButton);
    QCOMPARE(wizard->step(), wizards::ExportWizard::Options);
    m_exported = m_home.path() + u"/exported"_s;
    wizard->findChild<QLineEdit*>(u"exportFolder"_s)->setText(m_exported);
    shoot(u"export-2-format"_s);
    QTest::mouseClick(next, Qt::LeftButton);
    QTRY_VERIFY2_WITH_TIMEOUT(next->isEnabled(), qPrintable(reason->text()), kLong);
    QCOMPARE(wizard->step(), wizards::ExportWizard::Check);
    shoot(u"export-3-check"_s);
    QTest::mouseClick(next, Qt::LeftButton);
    QTRY_COMPARE_WITH_TIMEOUT(wizard->step(), wizards::ExportWizard::Result, kLong);
    QVERIFY(wizard->report().has_value());
    const auto& report = *wizard->report();
    QCOMPARE(report.folder.string(), m_exported.toStdString());
    // The header of so small a model is no small part of its file, so it is read and counted.
    QFile weights(m_exported + u"/packed.safetensors"_s);
    QVERIFY(weights.open(QIODevice::ReadOnly));
    quint64 header = 0;
    QCOMPARE(weights.read(reinterpret_cast<char*>(&header), sizeof header), qint64{sizeof header});
    const double expected = static_cast<double>(report.expectedBytes + header + sizeof header);
    QVERIFY(std::abs(static_cast<double>(report.bytes) - expected) <= 0.02 * expected);
    shoot(u"export-5-result"_s);
    const auto opened = models::Checkpoint::open(m_exported.toStdString());
    FAIRY2_OK(opened);
    QCOMPARE((*opened)->kind(), models::CheckpointKind::Packed);
    QTest::mouseClick(wizard->findChild<QPushButton*>(u"resultEvaluate"_s), Qt::LeftButton);
    QTRY_COMPARE(m_window->currentPage(), u"evaluate"_s);
}

void TestMainJob::evaluatesWhatWasExported() {
    const auto* table = find<shell::TableView>("evaluations");
    const int before = table->model()->rowCount();
    auto* evaluate = find<QPushButton>("evaluate");
    QTRY_VERIFY_WITH_TIMEOUT(evaluate->isEnabled(), kShort);
    find<QSpinBox>("evaluateRows")->setValue(10);
    QTest::mouseClick(evaluate, Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(table->model()->rowCount() > before, kLong);
    find<QSpinBox>("promptLength")->setValue(24);
    QTest::mouseClick(find<QPushButton>("generate"), Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(find<pages::AnswerView>("answer0") != nullptr, kShort);
    QTRY_VERIFY2_WITH_TIMEOUT(find<pages::AnswerView>("answer0")->answer().has_value(),
                              qPrintable(find<pages::AnswerView>("answer0")->text()), kLong);
    QCOMPARE(find<pages::AnswerView>("answer0")->answer()->ids.size(), std::size_t{24});
    shoot(u"evaluate"_s);
}

QTEST_MAIN(TestMainJob)
#include "tst_mainjob.moc"
