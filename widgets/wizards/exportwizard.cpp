// SPDX-License-Identifier: Apache-2.0
#include "wizards/exportwizard.h"

#include "base/clock.h"
#include "base/paths.h"
#include "pack/exportplan.h"
#include "pages/candidatestore.h"
#include "shell/ask.h"
#include "shell/card.h"
#include "shell/format.h"
#include "shell/pickfile.h"
#include "shell/registryservice.h"
#include "shell/segmentedbuttons.h"
#include "shell/tableview.h"
#include "shell/theme.h"
#include "shell/workspace.h"
#include "wizards/steplist.h"

#include <QButtonGroup>
#include <QCheckBox>
#include <QClipboard>
#include <QDesktopServices>
#include <QDir>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QRadioButton>
#include <QStackedWidget>
#include <QStyle>
#include <QUrl>
#include <QVBoxLayout>
#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::wizards {
namespace {

using models::CheckpointKind;
using SharedCheckpoint = std::shared_ptr<const models::Checkpoint>;

constexpr int kGap = 12;
constexpr int kMargin = 20;
constexpr double kBytesInHalf = 2; ///< a weight in 16 bits

QLabel* heading(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    QFont font = shell::Theme::font(shell::TextSize::Body, true);
    font.setPixelSize(16);
    label->setFont(font);
    return label;
}

QLabel* secondary(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setProperty("role", u"secondary"_s);
    label->setWordWrap(true);
    return label;
}

void clear(QLayout* layout) {
    while (auto* item = layout->takeAt(0)) {
        delete item->widget();
        delete item;
    }
}

void addRow(QGridLayout* grid, const QString& label, const QString& value) {
    const int row = grid->rowCount();
    auto* left = new QLabel(label);
    left->setProperty("role", u"secondary"_s);
    auto* right = new QLabel(value);
    right->setWordWrap(true);
    right->setTextInteractionFlags(Qt::TextSelectableByMouse);
    grid->addWidget(left, row, 0, Qt::AlignTop | Qt::AlignLeft);
    grid->addWidget(right, row, 1, Qt::AlignTop);
}

QGridLayout* makeGrid() {
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(24);
    grid->setVerticalSpacing(6);
    grid->setColumnStretch(1, 1);
    grid->setColumnMinimumWidth(0, 150);
    return grid;
}

QString bytes(double value) {
    return shell::bytesText(static_cast<std::uint64_t>(std::max(0.0, value)));
}

QString kindText(CheckpointKind kind) {
    switch (kind) {
    case CheckpointKind::HuggingFace:
        return ExportWizard::tr("ordinary model, not quantised");
    case CheckpointKind::Master:
        return ExportWizard::tr("trained checkpoint with its own recipe");
    case CheckpointKind::Baked:
        return ExportWizard::tr("baked: already quantised, dense");
    case CheckpointKind::Packed:
        return ExportWizard::tr("packed: codes and scales");
    }
    return {};
}

// "w2-row" of a recipe, for the suggested folder.
QString shortName(const quant::ModelRecipe& recipe) {
    QString name = u"w%1"_s.arg(recipe.defaults.stages);
    if (recipe.defaults.scale != quant::ScaleGranularity::Tensor)
        name += u'-' + QString::fromLatin1(quant::name(recipe.defaults.scale));
    return name;
}

QString fileNameOf(const QString& label) {
    QString name;
    for (const QChar c : label)
        name += c.isLetterOrNumber() || c == u'.' || c == u'-' ? c : u'-';
    return name.isEmpty() ? u"model"_s : name;
}

} // namespace

ExportWizard::ExportWizard(shell::Workspace& workspace, QWidget* parent, const QString& path)
    : QDialog(parent), m_workspace(workspace),
      m_steps(new StepList({tr("Source"), tr("Format"), tr("Check"), tr("Write"), tr("Result")}, this)),
      m_stack(new QStackedWidget(this)), m_back(new QPushButton(tr("Back"), this)),
      m_next(new QPushButton(tr("Next"), this)), m_cancel(new QPushButton(tr("Cancel"), this)),
      m_reason(new QLabel(this)), m_candidates(new itemmodels::CandidatesModel(this)) {
    setObjectName(u"exportWizard"_s);
    setWindowTitle(tr("Export a checkpoint"));
    setAttribute(Qt::WA_DeleteOnClose);
    resize(860, 560);
    m_back->setObjectName(u"wizardBack"_s);
    m_next->setObjectName(u"wizardNext"_s);
    m_cancel->setObjectName(u"wizardCancel"_s);
    m_next->setProperty("role", u"primary"_s);
    m_next->setDefault(true);
    m_back->setAutoDefault(false);
    m_cancel->setAutoDefault(false);
    m_reason->setObjectName(u"wizardReason"_s);
    m_reason->setWordWrap(true);
    m_reason->setProperty("role", u"secondary"_s);

    m_stack->addWidget(makeSource());
    m_stack->addWidget(makeOptions());
    m_stack->addWidget(makeCheck());
    m_stack->addWidget(makeWrite());
    m_stack->addWidget(makeResult());

    auto* buttons = new QHBoxLayout;
    buttons->setContentsMargins(kMargin, kGap, kMargin, kGap);
    buttons->setSpacing(8);
    buttons->addWidget(m_reason, 1);
    buttons->addWidget(m_cancel);
    buttons->addWidget(m_back);
    buttons->addWidget(m_next);
    auto* right = new QVBoxLayout;
    right->setSpacing(0);
    right->addWidget(m_stack, 1);
    right->addWidget(new shell::Hairline(Qt::Horizontal, this));
    right->addLayout(buttons);
    auto* all = new QHBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->setSpacing(0);
    all->addWidget(m_steps);
    all->addLayout(right, 1);

    connect(m_back, &QPushButton::clicked, this, &ExportWizard::back);
    connect(m_next, &QPushButton::clicked, this, &ExportWizard::next);
    connect(m_cancel, &QPushButton::clicked, this, &ExportWizard::reject);
    auto& store = pages::CandidateStore::of(workspace);
    connect(&store, &pages::CandidateStore::changed, this, &ExportWizard::showCandidates);
    if (!path.isEmpty()) store.add(path);
    showCandidates();
    const auto& open = workspace.checkpoint();
    choose(!path.isEmpty() ? path : open ? QString::fromStdString(open->path().string()) : QString());
    show(Source);
}

QWidget* ExportWizard::makeSource() {
    auto* page = new QWidget(this);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    column->setSpacing(kGap);
    auto* open = new QPushButton(tr("Open other…"), page);
    open->setObjectName(u"exportOpen"_s);
    open->setAutoDefault(false);
    auto* head = new QHBoxLayout;
    head->addWidget(heading(tr("Which checkpoint?"), page), 1);
    head->addWidget(open);
    m_table = new shell::TableView(tr("Checkpoints"), page);
    m_table->setObjectName(u"exportSources"_s);
    m_table->setModel(m_candidates);
    m_table->setSortingEnabled(false);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_table->horizontalHeader()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    m_sourceText = secondary({}, page);
    m_sourceText->setObjectName(u"exportSourceText"_s);
    m_sourceText->setMinimumHeight(40);
    m_sourceText->setAlignment(Qt::AlignTop);
    column->addLayout(head);
    column->addWidget(m_table, 1);
    column->addWidget(m_sourceText);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& current) {
                if (current.isValid()) choose(m_candidates->candidate(current.row()).path);
            });
    connect(m_table, &QTableView::doubleClicked, this, &ExportWizard::next);
    connect(open, &QPushButton::clicked, this, [this] {
        shell::PickFile::folder(this, u"model"_s, tr("Checkpoint to export"), [this](const QString& path) {
            pages::CandidateStore::of(m_workspace).add(path);
            choose(path);
        });
    });
    return page;
}

QWidget* ExportWizard::makeOptions() {
    auto* page = new QWidget(this);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    column->setSpacing(kGap);
    column->addWidget(heading(tr("In which form?"), page));

    m_format = new QButtonGroup(this);
    const auto addFormat = [&](pack::Format format, const QString& name, const QString& title,
                               const QString& text) {
        auto* button = new QRadioButton(title, page);
        button->setObjectName(name);
        button->setAccessibleDescription(text);
        m_format->addButton(button, static_cast<int>(format));
        auto* explained = secondary(text, page);
        explained->setContentsMargins(24, 0, 0, 0);
        auto* pair = new QVBoxLayout;
        pair->setSpacing(2);
        pair->addWidget(button);
        pair->addWidget(explained);
        column->addLayout(pair);
    };
    addFormat(pack::Format::Packed, u"formatPacked"_s, tr("Packed"),
              tr("Codes and scales: the small file. Opens here; other programs refuse it loudly."));
    addFormat(pack::Format::Baked, u"formatBaked"_s, tr("Hugging Face folder"),
              tr("The same numbers as dense weights: transformers loads it, nothing gets smaller."));
    m_format->button(static_cast<int>(pack::Format::Packed))->setChecked(true);

    m_stages = new shell::SegmentedButtons(tr("Residual stages"), page);
    m_stages->setObjectName(u"exportStages"_s);
    for (int stages = 1; stages <= 3; ++stages)
        m_stages->addOption(QString::number(stages), u"W%1"_s.arg(stages));
    m_stages->setCurrent(u"2"_s);
    m_scale = new shell::SegmentedButtons(tr("Scale granularity"), page);
    m_scale->setObjectName(u"exportScale"_s);
    for (const auto scale :
         {quant::ScaleGranularity::Tensor, quant::ScaleGranularity::Row, quant::ScaleGranularity::Tile64}) {
        const QString name = QString::fromLatin1(quant::name(scale));
        m_scale->addOption(name, name);
    }
    m_scale->setCurrent(u"tensor"_s);
    m_head = new QCheckBox(tr("quantise lm_head too"), page);
    m_head->setObjectName(u"exportHead"_s);
    auto* row = new QHBoxLayout;
    row->setSpacing(kGap);
    row->addWidget(secondary(tr("Recipe"), page));
    row->addWidget(m_stages);
    row->addWidget(m_scale);
    row->addWidget(m_head);
    row->addStretch(1);
    m_recipeText = secondary({}, page);

    m_folder = new QLineEdit(page);
    m_folder->setObjectName(u"exportFolder"_s);
    m_folder->setAccessibleName(tr("Folder to write"));
    auto* browse = new QPushButton(tr("Browse…"), page);
    browse->setAutoDefault(false);
    browse->setAccessibleName(tr("Browse for the folder to write"));
    auto* folder = new QHBoxLayout;
    folder->setSpacing(8);
    folder->addWidget(secondary(tr("Folder"), page));
    folder->addWidget(m_folder, 1);
    folder->addWidget(browse);

    m_prediction = makeGrid();
    column->addLayout(row);
    column->addWidget(m_recipeText);
    column->addWidget(new shell::Hairline(Qt::Horizontal, page));
    column->addLayout(m_prediction);
    column->addStretch(1);
    column->addLayout(folder);

    const auto changed = [this] {
        m_checked = false;
        suggestFolder();
        showPrediction();
    };
    connect(m_format, &QButtonGroup::idToggled, this, changed);
    connect(m_stages, &shell::SegmentedButtons::chosen, this, changed);
    connect(m_scale, &shell::SegmentedButtons::chosen, this, changed);
    connect(m_head, &QCheckBox::toggled, this, changed);
    connect(m_folder, &QLineEdit::textEdited, this, [this] {
        m_folderTyped = true;
        updateButtons();
    });
    connect(browse, &QPushButton::clicked, this, [this] {
        shell::PickFile::folder(this, u"export"_s, tr("Folder to write into"), [this](const QString& path) {
            m_folderTyped = true;
            m_folder->setText(QDir(path).filePath(QDir(m_folder->text()).dirName()));
            updateButtons();
        });
    });
    return page;
}

QWidget* ExportWizard::makeCheck() {
    auto* page = new QWidget(this);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    column->setSpacing(kGap);
    m_checkTitle = heading(tr("Is it right?"), page);
    m_checkTitle->setObjectName(u"checkTitle"_s);
    m_tokens = new QLineEdit(page);
    m_tokens->setObjectName(u"checkTokens"_s);
    m_tokens->setPlaceholderText(tr("file of token rows to compare losses on; empty = only the round trip"));
    m_tokens->setAccessibleName(tr("Token rows for the check"));
    auto* browse = new QPushButton(tr("Browse…"), page);
    browse->setAutoDefault(false);
    browse->setAccessibleName(tr("Browse for token rows"));
    auto* again = new QPushButton(tr("Check again"), page);
    again->setObjectName(u"checkAgain"_s);
    again->setAutoDefault(false);
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    row->addWidget(secondary(tr("Tokens"), page));
    row->addWidget(m_tokens, 1);
    row->addWidget(browse);
    row->addWidget(again);
    m_checkRows = makeGrid();
    column->addWidget(m_checkTitle);
    column->addWidget(
        secondary(tr("One layer is packed and unpacked, and a few rows are scored before and after. "
                     "Nothing is written yet."),
                  page));
    column->addLayout(m_checkRows);
    column->addStretch(1);
    column->addLayout(row);
    connect(browse, &QPushButton::clicked, this, [this] {
        shell::PickFile::open(this, u"tokens"_s, tr("Token rows"), tr("Token rows (*.safetensors *.txt)"),
                              [this](const QString& path) {
                                  m_tokens->setText(path);
                                  runCheck();
                              });
    });
    connect(again, &QPushButton::clicked, this, &ExportWizard::runCheck);
    return page;
}

QWidget* ExportWizard::makeWrite() {
    auto* page = new QWidget(this);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    column->setSpacing(kGap);
    m_writeText = secondary({}, page);
    m_writeText->setObjectName(u"writeText"_s);
    m_progress = new QProgressBar(page);
    m_progress->setObjectName(u"writeProgress"_s);
    m_progress->setTextVisible(false);
    m_progress->setAccessibleName(tr("Progress of writing"));
    column->addWidget(heading(tr("Writing"), page));
    column->addWidget(m_progress);
    column->addWidget(m_writeText);
    column->addStretch(1);
    return page;
}

QWidget* ExportWizard::makeResult() {
    auto* page = new QWidget(this);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    column->setSpacing(kGap);
    m_resultTitle = heading({}, page);
    m_resultTitle->setObjectName(u"resultTitle"_s);
    m_resultRows = makeGrid();
    const auto addButton = [&](QHBoxLayout* row, const QString& text, const QString& name) {
        auto* button = new QPushButton(text, page);
        button->setObjectName(name);
        button->setAutoDefault(false);
        row->addWidget(button);
        return button;
    };
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    auto* folder = addButton(row, tr("Open folder"), u"resultFolder"_s);
    auto* copy = addButton(row, tr("Copy path"), u"resultCopy"_s);
    auto* inspect = addButton(row, tr("Inspect"), u"resultInspect"_s);
    auto* evaluate = addButton(row, tr("Evaluate"), u"resultEvaluate"_s);
    row->addStretch(1);
    column->addWidget(m_resultTitle);
    column->addLayout(m_resultRows);
    column->addStretch(1);
    column->addLayout(row);
    const auto path = [this] {
        return m_report ? QString::fromStdString(m_report->folder.string()) : QString();
    };
    connect(folder, &QPushButton::clicked, this,
            [path] { QDesktopServices::openUrl(QUrl::fromLocalFile(path())); });
    connect(copy, &QPushButton::clicked, this, [path] { QGuiApplication::clipboard()->setText(path()); });
    connect(inspect, &QPushButton::clicked, this, [this, path] {
        m_workspace.open(path());
        m_workspace.requestPage(u"models"_s);
        accept();
    });
    connect(evaluate, &QPushButton::clicked, this, [this, path] {
        pages::CandidateStore::of(m_workspace).request(u"evaluate"_s, path());
        m_workspace.requestPage(u"evaluate"_s);
        accept();
    });
    return page;
}

void ExportWizard::show(Step step) {
    m_step = step;
    m_failure.clear();
    m_steps->setCurrent(step);
    m_stack->setCurrentIndex(step);
    if (step == Options) {
        suggestFolder();
        showPrediction();
    }
    if (step == Check && !m_checked) runCheck();
    if (step == Result) showResult();
    updateButtons();
    m_next->setFocus();
}

QString ExportWizard::obstacle() const {
    if (!m_failure.isEmpty() && m_step != Source) return m_failure;
    switch (m_step) {
    case Source:
        if (!m_failure.isEmpty()) return m_failure;
        if (m_opening.busy()) return tr("Reading the headers …");
        if (m_source == nullptr) return tr("Choose the checkpoint to export");
        return {};
    case Options:
        return m_folder->text().trimmed().isEmpty() ? tr("Name the folder to write") : QString();
    case Check:
        return m_checking.busy() ? tr("Checking …") : QString();
    case Write:
        return tr("Cancelling leaves nothing behind");
    default:
        return {};
    }
}

void ExportWizard::updateButtons() {
    const QString why = obstacle();
    const bool failed = !m_failure.isEmpty();
    m_reason->setText(why);
    m_reason->setProperty("tone", failed ? u"bad"_s : QString());
    m_reason->setProperty("role", failed ? QString() : u"secondary"_s);
    m_reason->style()->unpolish(m_reason);
    m_reason->style()->polish(m_reason);
    m_back->setVisible(m_step != Source && m_step != Result);
    m_back->setEnabled(!m_writing.busy());
    m_cancel->setVisible(m_step != Result);
    m_next->setText(m_step == Check ? tr("Write") : m_step == Result ? tr("Done") : tr("Next"));
    m_next->setVisible(m_step != Write);
    m_next->setEnabled(why.isEmpty());
}

void ExportWizard::next() {
    if (!obstacle().isEmpty()) return;
    switch (m_step) {
    case Source:
        show(Options);
        break;
    case Options:
        show(Check);
        break;
    case Check:
        confirmAndWrite();
        break;
    case Result:
        accept();
        break;
    default:
        break;
    }
}

void ExportWizard::back() {
    m_checking.clear();
    m_writing.clear();
    if (m_step == Write)
        show(Options);
    else if (m_step > Source && m_step < Result)
        show(static_cast<Step>(m_step - 1));
}

void ExportWizard::reject() {
    m_checking.clear();
    if (!m_writing.busy()) {
        QDialog::reject();
        return;
    }
    shell::Ask::confirm(this, tr("Stop writing?"), tr("What was written so far is removed."),
                        tr("Stop writing"), [this](bool accepted) {
                            if (!accepted) return;
                            m_writing.clear();
                            QDialog::reject();
                        });
}

void ExportWizard::showCandidates() {
    m_candidates->setCandidates(pages::CandidateStore::of(m_workspace).all());
    for (int row = 0; row < m_candidates->rowCount(); ++row)
        if (m_candidates->candidate(row).path == m_path) m_table->selectRow(row);
}

void ExportWizard::choose(const QString& path) {
    if (path.isEmpty() || path == m_path) return;
    m_path = path;
    m_source.reset();
    m_failure.clear();
    m_checked = false;
    m_folderTyped = false;
    showCandidates();
    showSource();
    m_workspace.jobs().run<SharedCheckpoint>(
        tr("Opening %1").arg(QDir(path).dirName()), this,
        [path = path.toStdString()](const shell::JobControl&) { return models::Checkpoint::open(path); },
        [this](base::Result<SharedCheckpoint> opened) {
            if (opened)
                m_source = std::move(*opened);
            else
                m_failure = QString::fromStdString(opened.error().sentence());
            showSource();
        },
        &m_opening, shell::JobRunner::Visibility::Quiet);
    updateButtons();
}

void ExportWizard::showSource() {
    if (m_source != nullptr)
        m_sourceText->setText(tr("%1 · %2 parameters · %3 · %4 bits per weight\n%5")
                                  .arg(kindText(m_source->kind()),
                                       shell::countText(m_source->spec().parameters()),
                                       bytes(static_cast<double>(m_source->storedBytes())),
                                       shell::numberText(m_source->storedBitsPerWeight(), 2), m_path));
    else
        m_sourceText->setText(m_path);
    updateButtons();
}

bool ExportWizard::choosesRecipe() const {
    return m_source != nullptr && m_source->kind() == CheckpointKind::HuggingFace;
}

quant::ModelRecipe ExportWizard::recipe() const {
    if (m_source != nullptr && !choosesRecipe()) return m_source->recipe();
    quant::ModelRecipe recipe;
    recipe.defaults.stages = m_stages->current().toInt();
    if (const auto scale = quant::parseScaleGranularity(m_scale->current().toStdString()))
        recipe.defaults.scale = *scale;
    recipe.quantizeLmHead = m_head->isChecked();
    return recipe;
}

pack::ExportOptions ExportWizard::options() const {
    pack::ExportOptions options;
    options.format = static_cast<pack::Format>(m_format->checkedId());
    if (choosesRecipe()) options.recipe = recipe();
    return options;
}

void ExportWizard::suggestFolder() {
    if (m_folderTyped || m_source == nullptr) return;
    const bool packed = options().format == pack::Format::Packed;
    const QString name = fileNameOf(QString::fromStdString(m_source->displayName())) + u'-' +
                         shortName(recipe()) + (packed ? u"-packed"_s : u"-hf"_s);
    m_folder->setText(
        QString::fromStdString((base::homeDirectory() / "exports" / name.toStdString()).string()));
}

void ExportWizard::showPrediction() {
    clear(m_prediction);
    if (m_source == nullptr) return;
    const bool free = choosesRecipe();
    m_stages->setEnabled(free);
    m_scale->setEnabled(free);
    m_head->setEnabled(free);
    const auto chosen = recipe();
    if (!free) {
        m_stages->setCurrent(QString::number(chosen.defaults.stages));
        m_scale->setCurrent(QString::fromLatin1(quant::name(chosen.defaults.scale)));
        const QSignalBlocker quiet(m_head);
        m_head->setChecked(chosen.quantizeLmHead);
    }
    m_recipeText->setText(free ? tr("Quantised now, without training")
                               : tr("The recipe it was trained with; it is never quantised another way"));
    m_failure.clear();
    const auto plan = pack::planExport(*m_source, options());
    if (!plan) {
        m_failure = QString::fromStdString(plan.error().sentence());
        updateButtons();
        return;
    }
    const double dense = static_cast<double>(m_source->spec().parameters()) * kBytesInHalf;
    addRow(m_prediction, tr("Bits per weight"),
           tr("%1, scales included").arg(shell::numberText(plan->bitsPerWeight, 3)));
    addRow(m_prediction, tr("Weight file"),
           tr("%1; the whole model in 16 bits takes %2")
               .arg(bytes(static_cast<double>(plan->expectedBytes)), bytes(dense)));
    addRow(m_prediction, tr("Layers"),
           tr("%n linear(s) quantised", nullptr, static_cast<int>(plan->quantizedLayers)));
    if (!plan->skipped.empty()) {
        constexpr std::size_t kNamed = 3;
        QStringList named;
        for (std::size_t i = 0; i < std::min(kNamed, plan->skipped.size()); ++i)
            named << QString::fromStdString(plan->skipped[i]);
        if (plan->skipped.size() > kNamed) named << u"…"_s;
        addRow(m_prediction, tr("Left as they are"), named.join(u", "_s));
    }
    updateButtons();
}

void ExportWizard::runCheck() {
    clear(m_checkRows);
    m_failure.clear();
    if (m_source->kind() == CheckpointKind::Packed) {
        m_checked = true;
        addRow(m_checkRows, tr("Codes"), tr("taken over as they are: nothing is quantised again"));
        updateButtons();
        return;
    }
    // The demo's own rows suit every model with its vocabulary.
    const auto demo = base::dataDirectory() / "resources/demo/stories_tokens.safetensors";
    if (m_tokens->text().isEmpty() && m_source->spec().vocabSize == 512 && std::filesystem::exists(demo))
        m_tokens->setText(QString::fromStdString(demo.string()));
    m_workspace.jobs().run<ExportCheck>(
        tr("Checking the export"), this,
        [source = m_source, recipe = recipe(), file = m_tokens->text().trimmed().toStdString()](
            const shell::JobControl& control) -> base::Result<ExportCheck> {
            if (file.empty()) return checkExport(*source, recipe, nullptr, control.task());
            FAIRY2_ASSIGN(const auto keys, file.ends_with(".safetensors") ? data::TokenRows::keys(file)
                                                                          : std::vector<std::string>());
            const bool held = std::find(keys.begin(), keys.end(), "val") != keys.end();
            FAIRY2_ASSIGN(const auto rows,
                          data::TokenRows::open(file, held ? "val" : "", source->spec().vocabSize));
            return checkExport(*source, recipe, &rows, control.task());
        },
        [this](base::Result<ExportCheck> check) {
            if (check)
                showCheck(*check);
            else
                m_failure = QString::fromStdString(check.error().sentence());
            m_checked = check.has_value();
            updateButtons();
        },
        &m_checking);
    updateButtons();
}

void ExportWizard::showCheck(const ExportCheck& check) {
    addRow(m_checkRows, tr("Round trip"),
           tr("✓ every code and scale of %1 comes back").arg(QString::fromStdString(check.layer)));
    addRow(m_checkRows, tr("Its error"),
           tr("%1 of the energy · SQNR %2 dB")
               .arg(shell::percentText(check.relativeError, 1),
                    shell::numberText(check.relativeError > 0 ? -10 * std::log10(check.relativeError) : NAN,
                                      2)));
    if (!check.sample) {
        addRow(m_checkRows, tr("Loss"), tr("not compared: no tokens are chosen"));
        return;
    }
    const auto& sample = *check.sample;
    addRow(m_checkRows, tr("Loss"),
           tr("%1 → %2 nats per token (%3)")
               .arg(shell::numberText(sample.sourceLoss, 3), shell::numberText(sample.exportLoss, 3),
                    shell::signedText(sample.exportLoss - sample.sourceLoss, 3)));
    addRow(m_checkRows, tr("KL divergence"), tr("%1 nats per token").arg(shell::numberText(sample.kld, 3)));
    addRow(m_checkRows, tr("Sample"), tr("%n token(s)", nullptr, static_cast<int>(sample.tokens)));
}

// Only what looks like a model is ever replaced: the exporter refuses any other folder by itself.
void ExportWizard::confirmAndWrite() {
    const QDir folder(m_folder->text().trimmed());
    if (!folder.exists() || folder.isEmpty()) {
        write(false);
        return;
    }
    shell::Ask::confirm(this, tr("Replace the folder?"), tr("%1 exists already.").arg(folder.path()),
                        tr("Replace"), [this](bool accepted) {
                            if (accepted) write(true);
                        });
}

void ExportWizard::write(bool overwrite) {
    show(Write);
    auto chosen = options();
    chosen.overwrite = overwrite;
    const QString folder = m_folder->text().trimmed();
    m_progress->setRange(0, 0);
    m_writeText->setText(folder);
    auto* job = m_workspace.jobs().run<pack::ExportReport>(
        tr("Exporting %1").arg(QDir(folder).dirName()), this,
        [source = m_source, path = folder.toStdString(), chosen](const shell::JobControl& control) {
            return pack::exportCheckpoint(*source, path, chosen, control.task());
        },
        [this](base::Result<pack::ExportReport> report) {
            if (!report) {
                m_failure = QString::fromStdString(report.error().sentence());
                m_progress->setRange(0, 1);
                updateButtons();
                return;
            }
            m_report = std::move(*report);
            record();
            show(Result);
        },
        &m_writing);
    connect(job, &shell::Job::changed, this, [this, job] {
        if (job->total() <= 0 || job->isOver()) return;
        m_progress->setRange(0, 1000);
        m_progress->setValue(static_cast<int>(job->done() * 1000 / job->total()));
        m_writeText->setText(job->what());
    });
    updateButtons();
}

void ExportWizard::showResult() {
    if (!m_report) return;
    m_resultTitle->setText(tr("Written and verified by its hash"));
    clear(m_resultRows);
    const auto& report = *m_report;
    addRow(m_resultRows, tr("Folder"), QString::fromStdString(report.folder.string()));
    addRow(
        m_resultRows, tr("Weight file"),
        tr("%1 · expected %2 from the shapes")
            .arg(bytes(static_cast<double>(report.bytes)), bytes(static_cast<double>(report.expectedBytes))));
    addRow(m_resultRows, tr("Bits per weight"), shell::numberText(report.bitsPerWeight, 3));
    addRow(m_resultRows, tr("Layers"),
           tr("%n quantised", nullptr, static_cast<int>(report.quantizedLayers)) + u", "_s +
               tr("%n left as they are", nullptr, static_cast<int>(report.skipped.size())));
    addRow(m_resultRows, tr("Content hash"), QString::fromStdString(report.contentHash));
}

// Ties the export to the checkpoint it was made of, so that it can be traced back.
void ExportWizard::record() {
    runs::ResultRow row;
    row.wallTime = base::wallTime();
    row.contentHash = m_report->contentHash;
    row.label = m_report->folder.filename().string();
    row.kind = "export";
    row.values = m_report->toJson();
    row.values["source"] = m_path.toStdString();
    row.values["recipe"] = recipe().toJson();
    m_workspace.jobs().run<std::string>(
        tr("Hashing the source"), &m_workspace,
        [source = m_source](const shell::JobControl&) { return source->contentHash(); },
        [&workspace = m_workspace, row](const base::Result<std::string>& hash) mutable {
            if (hash) row.values["source_hash"] = *hash;
            workspace.registry().query<bool>(
                &workspace,
                [row](runs::Registry& registry) -> base::Result<bool> {
                    FAIRY2_TRY(registry.addResult(row));
                    return true;
                },
                [&workspace](const base::Result<bool>& saved) {
                    if (!saved) workspace.notify(QString::fromStdString(saved.error().sentence()));
                });
        },
        nullptr, shell::JobRunner::Visibility::Quiet);
}

} // namespace fairy2::wizards
