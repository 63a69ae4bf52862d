// SPDX-License-Identifier: Apache-2.0
#include "pages/runspage/runpanel.h"

#include "models/checkpointsmodel.h"
#include "models/figuretext.h"
#include "models/runsmodel.h"
#include "pages/candidatestore.h"
#include "pages/colordisc.h"
#include "pages/metricstore.h"
#include "pages/runstore.h"
#include "runs/launcher.h"
#include "shell/ask.h"
#include "shell/card.h"
#include "shell/pill.h"
#include "shell/registryservice.h"
#include "shell/tableview.h"
#include "shell/theme.h"
#include "shell/workspace.h"

#include <QClipboard>
#include <QDesktopServices>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QStackedLayout>
#include <QUrl>
#include <QVBoxLayout>
#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

namespace tags = itemmodels::tags;
using itemmodels::CheckpointsModel;
using runs::RunState;

constexpr int kGap = 12;

shell::Tone toneOf(RunState state) {
    switch (state) {
    case RunState::Running:
        return shell::Tone::Accent;
    case RunState::Finished:
        return shell::Tone::Good;
    case RunState::Failed:
    case RunState::Lost:
        return shell::Tone::Bad;
    case RunState::Stopping:
        return shell::Tone::Warning;
    case RunState::Queued:
    case RunState::Starting:
    case RunState::Cancelled:
        return shell::Tone::Neutral;
    }
    return shell::Tone::Neutral;
}

QString count(double value) {
    return shell::countText(static_cast<std::int64_t>(std::llround(value)));
}

// Steps still to go at the speed of the last ones; nothing when that is not known.
std::optional<double> secondsLeft(const itemmodels::RunRow& row) {
    const auto speed = row.tokensPerSecond.value_or(0);
    const auto tokens = row.tokensPerStep.value_or(0);
    if (speed <= 0 || tokens <= 0 || row.summary.state != RunState::Running) return {};
    return static_cast<double>(row.summary.maxSteps - row.summary.step) * tokens / speed;
}

QLabel* line(QWidget* parent) {
    auto* label = new QLabel(parent);
    label->setTextFormat(Qt::RichText);
    label->setWordWrap(true);
    return label;
}

QString bold(const QString& text) {
    return u"<b>"_s + text.toHtmlEscaped() + u"</b>"_s;
}

QLabel* title(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setProperty("role", u"strong"_s);
    label->setContentsMargins(kGap, 8, kGap, 6);
    return label;
}

} // namespace

RunPanel::RunPanel(shell::Workspace& workspace, QWidget* parent)
    : QFrame(parent), m_workspace(workspace), m_metrics(new MetricStore(workspace, this)),
      m_stack(new QStackedLayout), m_card(new shell::Card(tr("Run"), this)),
      m_disc(new ColorDisc(-1, m_card)), m_checkpoints(new CheckpointsModel(this)) {
    setObjectName(u"runPanel"_s);
    auto* nothing = new shell::Card(tr("Run"), this);
    auto* hint = new QLabel(tr("Select a run to see its state, checkpoints and console"), nothing);
    hint->setProperty("role", u"secondary"_s);
    hint->setAlignment(Qt::AlignCenter);
    hint->setWordWrap(true);
    nothing->setContent(hint, 24);

    m_card->addTitleWidget(m_disc);
    auto* body = new QWidget(m_card);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(makeSummary());
    column->addWidget(new shell::Hairline(Qt::Horizontal, body));
    column->addWidget(makeCheckpoints());
    m_layersTitle = title(tr("Layers flipping most"), body);
    auto* layers = new QWidget(body);
    m_layers = new QGridLayout(layers);
    m_layers->setContentsMargins(kGap, 0, kGap, 8);
    m_layers->setVerticalSpacing(4);
    m_layers->setColumnStretch(0, 1);
    m_layersTitle->hide();
    column->addWidget(m_layersTitle);
    column->addWidget(layers);
    column->addWidget(new shell::Hairline(Qt::Horizontal, body));
    column->addWidget(title(tr("Console"), body));
    m_console = new QPlainTextEdit(body);
    m_console->setObjectName(u"runConsole"_s);
    m_console->setAccessibleName(tr("Console of the run"));
    m_console->setReadOnly(true);
    m_console->setProperty("role", u"log"_s);
    m_console->setFont(shell::Theme::font(shell::TextSize::Axis));
    m_console->setLineWrapMode(QPlainTextEdit::NoWrap);
    m_console->setMinimumHeight(60);
    m_console->setPlaceholderText(tr("Nothing printed yet"));
    column->addWidget(m_console, 1);
    m_card->setContent(body);

    setLayout(m_stack);
    m_stack->addWidget(nothing);
    m_stack->addWidget(m_card);
    connect(m_metrics, &MetricStore::changed, this, [this] {
        showSummary();
        showCheckpoints();
    });
}

QWidget* RunPanel::makeSummary() {
    auto* body = new QWidget(m_card);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(kGap, kGap, kGap, kGap);
    column->setSpacing(7);
    m_state = new shell::Pill({}, shell::Tone::Neutral, body);
    m_state->setObjectName(u"runState"_s);
    m_reason = line(body);
    m_reason->setProperty("tone", u"bad"_s);
    m_reason->setTextFormat(Qt::PlainText);
    m_reason->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_progress = line(body);
    m_progress->setObjectName(u"runProgress"_s);
    m_loss = line(body);
    m_speed = line(body);
    m_flips = line(body);
    m_note = line(body);
    m_note->setTextFormat(Qt::PlainText);
    m_note->setProperty("role", u"secondary"_s);
    column->addWidget(m_state, 0, Qt::AlignLeft);
    for (auto* label : {m_reason, m_progress, m_loss, m_speed, m_flips, m_note})
        column->addWidget(label);

    m_stop = new QPushButton(tr("Stop after checkpoint"), body);
    m_stop->setObjectName(u"runStop"_s);
    m_stop->setToolTip(tr("Finishes the step, saves a checkpoint and ends; Resume goes on from there"));
    m_resume = new QPushButton(tr("Resume"), body);
    m_resume->setObjectName(u"runResume"_s);
    auto* note = new QPushButton(tr("Note"), body);
    note->setObjectName(u"runNote"_s);
    auto* more = new QPushButton(tr("More"), body);
    more->setObjectName(u"runMore"_s);
    auto* menu = new QMenu(more);
    menu->addAction(tr("Rename…"), this, &RunPanel::rename)->setObjectName(u"runRename"_s);
    menu->addAction(tr("Tags…"), this, &RunPanel::editTags)->setObjectName(u"runTags"_s);
    m_archive = menu->addAction(tr("Archive"), this, &RunPanel::archive);
    m_archive->setObjectName(u"runArchive"_s);
    menu->addSeparator();
    menu->addAction(tr("Open folder"), this, [this] {
        if (m_row)
            QDesktopServices::openUrl(
                QUrl::fromLocalFile(QString::fromStdString(m_row->summary.directory.string())));
    });
    menu->addAction(tr("Copy command"), this, [this] {
        if (m_row) QGuiApplication::clipboard()->setText(QString::fromStdString(m_row->summary.command));
    });
    more->setMenu(menu);
    auto* buttons = new QHBoxLayout;
    buttons->setContentsMargins(0, 4, 0, 0);
    buttons->setSpacing(6);
    buttons->addWidget(m_stop);
    buttons->addWidget(m_resume);
    buttons->addWidget(note);
    buttons->addWidget(more);
    buttons->addStretch(1);
    column->addLayout(buttons);
    connect(m_stop, &QPushButton::clicked, this, &RunPanel::stop);
    connect(m_resume, &QPushButton::clicked, this, &RunPanel::resume);
    connect(note, &QPushButton::clicked, this, &RunPanel::editNote);
    return body;
}

QWidget* RunPanel::makeCheckpoints() {
    auto* body = new QWidget(m_card);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(title(tr("Checkpoints"), body));
    m_table = new shell::TableView(tr("Checkpoints"), body);
    m_table->setObjectName(u"runCheckpoints"_s);
    m_table->setModel(m_checkpoints);
    m_table->setSortingEnabled(false);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->horizontalHeader()->hide();
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_table->horizontalHeader()->setSectionResizeMode(CheckpointsModel::Step, QHeaderView::Stretch);
    m_noCheckpoints = new QLabel(tr("none saved yet"), body);
    m_noCheckpoints->setProperty("role", u"secondary"_s);
    m_noCheckpoints->setContentsMargins(kGap, 0, kGap, 8);
    m_checkpointButtons = new QWidget(body);
    auto* row = new QHBoxLayout(m_checkpointButtons);
    row->setContentsMargins(4, 4, 4, 4);
    row->setSpacing(2);
    const auto addButton = [&](const QString& text, const QString& name, auto action) {
        auto* button = new QPushButton(text, m_checkpointButtons);
        button->setObjectName(name);
        button->setProperty("role", u"flat"_s);
        connect(button, &QPushButton::clicked, this, action);
        row->addWidget(button);
    };
    const auto inspect = [this] {
        m_workspace.open(selectedCheckpoint());
        m_workspace.requestPage(u"models"_s);
    };
    addButton(tr("Inspect"), u"checkpointInspect"_s, inspect);
    addButton(tr("Evaluate"), u"checkpointEvaluate"_s, [this] {
        CandidateStore::of(m_workspace).request(u"evaluate"_s, selectedCheckpoint());
        m_workspace.requestPage(u"evaluate"_s);
    });
    addButton(tr("Export"), u"checkpointExport"_s,
              [this] { m_workspace.requestDialog(u"export"_s, selectedCheckpoint()); });
    addButton(tr("Verify"), u"checkpointVerify"_s, [this] { verify(); });
    row->addStretch(1);
    connect(m_table, &QTableView::doubleClicked, this, inspect);
    column->addWidget(m_table);
    column->addWidget(m_noCheckpoints);
    column->addWidget(m_checkpointButtons);
    return body;
}

void RunPanel::setRun(const itemmodels::RunRow* row) {
    if (row == nullptr) {
        m_row.reset();
        m_metrics->watch({});
        m_stack->setCurrentIndex(0);
        return;
    }
    const bool another = !m_row || m_row->summary.uuid != row->summary.uuid;
    m_row = *row;
    if (another) {
        m_verifying.clear();
        m_reading.clear();
        m_tail = std::make_shared<RunTail>(row->summary.directory);
        m_console->clear();
        showTail({});
        m_metrics->watch({row->summary.uuid});
    }
    m_stack->setCurrentIndex(1);
    showSummary();
    showCheckpoints();
    readTail();
}

void RunPanel::showSummary() {
    if (!m_row) return;
    const auto& row = *m_row;
    const auto& summary = row.summary;
    m_card->setTitle(QString::fromStdString(itemmodels::displayName(summary)));
    m_disc->setColor(row.color);
    m_state->set(itemmodels::stateText(summary.state), toneOf(summary.state));
    m_reason->setText(QString::fromStdString(summary.reason));
    m_reason->setVisible(!summary.reason.empty());
    QString progress =
        tr("step %1 of %2").arg(shell::countText(summary.step), shell::countText(summary.maxSteps));
    if (const auto left = secondsLeft(row)) progress += tr(" · %1 left").arg(shell::durationText(*left));
    m_progress->setText(progress);
    m_loss->setText(tr("val loss %1 · train loss %2")
                        .arg(bold(itemmodels::figureText(row.validationLoss, 3)),
                             bold(itemmodels::figureText(row.loss, 3))));
    m_loss->setToolTip(tr("nats per token, last values"));
    m_speed->setText(tr("%1 tok/s · %2 bits per weight")
                         .arg(row.tokensPerSecond ? count(*row.tokensPerSecond) : u"–"_s,
                              itemmodels::figureText(row.bitsPerWeight, 2)));
    const auto* metrics = m_metrics->find(summary.uuid);
    const auto lastOf = [&](const char* tag) -> std::optional<double> {
        const auto* series = metrics == nullptr ? nullptr : metrics->find(tag);
        return series == nullptr ? std::nullopt : series->last();
    };
    const auto skipped = lastOf(tags::kSkippedSteps);
    const auto flips = lastOf(tags::kFlipRate);
    QStringList parts;
    if (skipped) parts << tr("skipped steps %1").arg(count(*skipped));
    if (flips) parts << tr("flips %1").arg(shell::percentText(*flips, 3));
    m_flips->setText(parts.join(u" · "_s));
    m_flips->setVisible(!parts.isEmpty());
    const QString note = QString::fromStdString(summary.annotations.notes);
    m_note->setText(note);
    m_note->setVisible(!note.isEmpty());

    const bool over = runs::isFinal(summary.state);
    m_stop->setVisible(!over);
    m_stop->setEnabled(summary.state != RunState::Stopping && !m_acting.busy());
    m_resume->setVisible(over);
    const bool unfinished = summary.state != RunState::Finished;
    m_resume->setEnabled(over && unfinished && !m_acting.busy());
    m_resume->setToolTip(unfinished ? tr("Goes on from the latest checkpoint that verifies")
                                    : tr("This run has made all its steps"));
    m_archive->setText(summary.annotations.archived ? tr("Take out of the archive") : tr("Archive"));
}

void RunPanel::showCheckpoints() {
    if (!m_row) return;
    const auto* metrics = m_metrics->find(m_row->summary.uuid);
    const auto* validation = metrics == nullptr ? nullptr : metrics->find(tags::kValidationLoss);
    std::vector<CheckpointsModel::Row> rows;
    for (const auto& entry : m_row->summary.checkpoints) {
        CheckpointsModel::Row row{entry, {}};
        for (std::size_t i = 0; validation != nullptr && i < validation->steps.size(); ++i)
            if (validation->steps[i] == entry.step) row.validationLoss = validation->values[i];
        rows.push_back(std::move(row));
    }
    const bool had = m_checkpoints->rowCount() > 0;
    m_checkpoints->setRows(std::move(rows));
    const int count = m_checkpoints->rowCount();
    m_table->setVisible(count > 0);
    m_checkpointButtons->setVisible(count > 0);
    m_noCheckpoints->setVisible(count == 0);
    constexpr int kShown = 5;
    m_table->setFixedHeight(std::min(count, kShown) * m_table->verticalHeader()->defaultSectionSize() + 2);
    if (count > 0 && (!had || !m_table->currentIndex().isValid())) m_table->selectRow(0);
}

void RunPanel::readTail() {
    if (m_reading.busy() || m_tail == nullptr) return;
    m_workspace.jobs().run<RunTail::News>(
        tr("Reading the run's console"), this,
        [tail = m_tail](const shell::JobControl&) { return tail->read(); },
        [this](base::Result<RunTail::News> news) {
            if (news) showTail(*news);
        },
        &m_reading, shell::JobRunner::Visibility::Quiet);
}

void RunPanel::showTail(const RunTail::News& news) {
    auto* bar = m_console->verticalScrollBar();
    const bool atEnd = bar->value() >= bar->maximum() - 4;
    const QString text = news.console.join(u'\n');
    if (text != m_console->toPlainText()) {
        m_console->setPlainText(text);
        if (atEnd) bar->setValue(bar->maximum());
    }
    while (auto* item = m_layers->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    m_layersTitle->setVisible(!news.layers.empty());
    int row = 0;
    for (const auto& layer : news.layers) {
        QString name = layer.name;
        auto* label = new QLabel(name.remove(u"model.layers."_s), this);
        auto* rate = new QLabel(shell::percentText(layer.rate, 2), this);
        for (auto* part : {label, rate})
            part->setFont(shell::Theme::font(shell::TextSize::Table));
        rate->setAlignment(Qt::AlignRight);
        m_layers->addWidget(label, row, 0);
        m_layers->addWidget(rate, row++, 1);
    }
}

void RunPanel::act(const QString& title,
                   std::function<base::Result<void>(const runs::RunDirectory&)> action) {
    if (!m_row || m_acting.busy()) return;
    m_workspace.jobs().run<bool>(
        title, this,
        [directory = m_row->summary.directory,
         action = std::move(action)](const shell::JobControl&) -> base::Result<bool> {
            FAIRY2_ASSIGN(const auto run, runs::RunDirectory::open(directory));
            FAIRY2_TRY(action(run));
            return true;
        },
        [this](base::Result<bool> done) {
            if (!done) m_workspace.notify(QString::fromStdString(done.error().sentence()));
            m_workspace.registry().refresh();
            showSummary();
        },
        &m_acting);
    showSummary();
}

void RunPanel::stop() {
    act(tr("Stopping a run"), [](const runs::RunDirectory& run) { return runs::stop(run); });
}

void RunPanel::resume() {
    act(tr("Resuming a run"), [](const runs::RunDirectory& run) { return runs::resume(run); });
}

void RunPanel::editNote() {
    if (!m_row) return;
    shell::Ask::text(
        this, tr("Note"), tr("What should be remembered about this run?"),
        QString::fromStdString(m_row->summary.annotations.notes),
        [this, uuid = m_row->summary.uuid](const QString& text) {
            RunStore::of(m_workspace).annotate(uuid, [note = text.toStdString()](auto& annotations) {
                annotations.notes = note;
            });
        });
}

void RunPanel::editTags() {
    if (!m_row) return;
    QStringList tags;
    for (const auto& tag : m_row->summary.annotations.tags)
        tags << QString::fromStdString(tag);
    shell::Ask::text(
        this, tr("Tags"), tr("Words, separated by commas"), tags.join(u", "_s),
        [this, uuid = m_row->summary.uuid](const QString& text) {
            std::vector<std::string> all;
            for (const auto& tag : text.split(u',', Qt::SkipEmptyParts))
                if (!tag.trimmed().isEmpty()) all.push_back(tag.trimmed().toStdString());
            RunStore::of(m_workspace).annotate(uuid, [all](auto& annotations) { annotations.tags = all; });
        });
}

void RunPanel::rename() {
    if (!m_row) return;
    shell::Ask::text(this, tr("Rename"), tr("Name of the run"),
                     QString::fromStdString(m_row->summary.annotations.name),
                     [this, uuid = m_row->summary.uuid](const QString& text) {
                         RunStore::of(m_workspace)
                             .annotate(uuid, [name = text.trimmed().toStdString()](auto& annotations) {
                                 annotations.name = name;
                             });
                     });
}

void RunPanel::archive() {
    if (!m_row) return;
    const bool archived = !m_row->summary.annotations.archived;
    RunStore::of(m_workspace).annotate(m_row->summary.uuid, [archived](auto& annotations) {
        annotations.archived = archived;
    });
}

QString RunPanel::selectedCheckpoint() const {
    const auto current = m_table->currentIndex();
    if (!current.isValid()) return {};
    return QString::fromStdString(m_checkpoints->row(current.row()).entry.path.string());
}

void RunPanel::verify() {
    const base::Path path = selectedCheckpoint().toStdString();
    if (path.empty()) return;
    m_checkpoints->setCheck(path, CheckpointsModel::Check::Running);
    m_workspace.jobs().run<bool>(
        tr("Verifying a checkpoint"), this,
        [path](const shell::JobControl&) -> base::Result<bool> {
            FAIRY2_TRY(runs::verifyManifest(path));
            return true;
        },
        [this, path](base::Result<bool> good) {
            m_checkpoints->setCheck(path,
                                    good ? CheckpointsModel::Check::Good : CheckpointsModel::Check::Damaged,
                                    good ? tr("Every file agrees with its SHA-256")
                                         : QString::fromStdString(good.error().sentence()));
        },
        &m_verifying);
}

} // namespace fairy2::pages
