// SPDX-License-Identifier: Apache-2.0
#include "pages/trainpage/trainpage.h"

#include "models/configfiltermodel.h"
#include "models/configtreemodel.h"
#include "models/figuretext.h"
#include "models/roles.h"
#include "pages/runstore.h"
#include "pages/trainpage/configdelegate.h"
#include "pages/trainpage/presetcard.h"
#include "runs/launcher.h"
#include "shell/card.h"
#include "shell/pickfile.h"
#include "shell/registryservice.h"
#include "shell/segmentedbuttons.h"
#include "shell/theme.h"
#include "shell/workspace.h"

#include <QButtonGroup>
#include <QClipboard>
#include <QComboBox>
#include <QFormLayout>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTextCursor>
#include <QTreeView>
#include <QVBoxLayout>
#include <algorithm>
#include <array>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

constexpr int kPauseMs = 200;
constexpr int kGap = 12;
constexpr int kRightWidth = 400;
constexpr int kEstimateRow = 19;

struct Preset {
    const char* option;
    const char* title;
    const char* text;
};

// In the order of the cards; options of the group that are not here follow under their own names.
constexpr std::array<Preset, 8> kPresets = {{
    {"distill_w2", QT_TRANSLATE_NOOP("TrainPage", "W2 distilled"),
     QT_TRANSLATE_NOOP("TrainPage", "2 bits · learns from the full-precision model")},
    {"fairy2_w2", QT_TRANSLATE_NOOP("TrainPage", "W2"),
     QT_TRANSLATE_NOOP("TrainPage", "2 bits · two residual stages on text alone")},
    {"distill_w1", QT_TRANSLATE_NOOP("TrainPage", "W1 distilled"),
     QT_TRANSLATE_NOOP("TrainPage", "1 bit · learns from the full-precision model")},
    {"fairy2_w1", QT_TRANSLATE_NOOP("TrainPage", "W1"),
     QT_TRANSLATE_NOOP("TrainPage", "1 bit · one stage, the smallest model")},
    {"fairy2_w3", QT_TRANSLATE_NOOP("TrainPage", "W3"),
     QT_TRANSLATE_NOOP("TrainPage", "3 bits · for what must not lose")},
    {"full_precision", QT_TRANSLATE_NOOP("TrainPage", "Full precision"),
     QT_TRANSLATE_NOOP("TrainPage", "16 bits · the control of all the others")},
    {"official_w2", QT_TRANSLATE_NOOP("TrainPage", "Official recipe"),
     QT_TRANSLATE_NOOP("TrainPage", "2 bits · as published, 30 000 large steps")},
    {"smoke", QT_TRANSLATE_NOOP("TrainPage", "Smoke test"),
     QT_TRANSLATE_NOOP("TrainPage", "2 bits · ten steps that prove that all works")},
}};

QString sentenceOf(const base::Error& error) {
    return QString::fromStdString(error.sentence());
}

QLabel* secondary(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setProperty("role", u"secondary"_s);
    return label;
}

std::string modelOf(const base::Json& config) {
    static const base::Json::json_pointer kPath("/model/path");
    if (!config.is_object() || !config.contains(kPath) || !config[kPath].is_string()) return {};
    return config[kPath].get<std::string>();
}

} // namespace

TrainPage::TrainPage(shell::Workspace& workspace, QWidget* parent)
    : Page(parent), m_workspace(workspace), m_tree(new itemmodels::ConfigTreeModel(this)),
      m_shownTree(new itemmodels::ConfigFilterModel(this)), m_presets(new QButtonGroup(this)) {
    setObjectName(u"trainPage"_s);
    m_shownTree->setSourceModel(m_tree);
    m_pause.setSingleShot(true);
    m_pause.setInterval(kPauseMs);

    auto* right = new QVBoxLayout;
    right->setSpacing(kGap);
    right->addWidget(makeRun());
    right->addWidget(makeOverrides(), 1);
    right->addWidget(makeEstimate());
    right->addWidget(makeStart());
    auto* rightSide = new QWidget(this);
    right->setContentsMargins(0, 0, 0, 0);
    rightSide->setLayout(right);
    rightSide->setFixedWidth(kRightWidth);

    auto* lower = new QHBoxLayout;
    lower->setSpacing(kGap);
    lower->addWidget(makeConfiguration(), 1);
    lower->addWidget(rightSide);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->setSpacing(kGap);
    all->addWidget(makePresets());
    all->addLayout(lower, 1);

    connect(&m_pause, &QTimer::timeout, this, &TrainPage::resolve);
    connect(m_tree, &itemmodels::ConfigTreeModel::overrideRequested, this,
            [this](const QString& key, const QString& value) {
                setOverride(key.toStdString(), value.toStdString());
            });
    connect(m_tree, &QAbstractItemModel::modelReset, this, [this] { m_treeView->expandAll(); });
    connect(&workspace, &shell::Workspace::trainingRequested, this, &TrainPage::addOverrides);
    connect(&workspace, &shell::Workspace::checkpointChanged, this, &TrainPage::offerModels);
    connect(&workspace, &shell::Workspace::recentChanged, this, &TrainPage::offerModels);
    offerModels();
    updateStart();
}

QWidget* TrainPage::makePresets() {
    auto* row = new QWidget(this);
    row->setObjectName(u"presets"_s);
    m_presetRow = new QHBoxLayout(row);
    m_presetRow->setContentsMargins(0, 0, 0, 0);
    m_presetRow->setSpacing(kGap);
    // The cards arrive from the configs folder; their height is kept so that nothing jumps.
    row->setFixedHeight(PresetCard({}, {}, {}).sizeHint().height());
    connect(m_presets, &QButtonGroup::buttonClicked, this, [this](QAbstractButton* button) {
        setOverride("training", qobject_cast<PresetCard*>(button)->option().toStdString());
    });
    return row;
}

QWidget* TrainPage::makeConfiguration() {
    m_configCard = new shell::Card(tr("Configuration"), this);
    auto* filter = new QLineEdit(m_configCard);
    filter->setObjectName(u"configFilter"_s);
    filter->setPlaceholderText(tr("Filter keys, e.g. warmup"));
    filter->setAccessibleName(tr("Filter of the configuration"));
    filter->setClearButtonEnabled(true);
    filter->setFixedWidth(220);
    auto* which = new shell::SegmentedButtons(tr("Which keys are shown"), m_configCard);
    which->addOption(u"all"_s, tr("all"));
    which->addOption(u"overrides"_s, tr("overrides"), tr("Only what the overrides box changed"));
    which->setCurrent(u"all"_s);
    m_configCard->addHeaderWidget(filter);
    m_configCard->addHeaderWidget(which);

    m_treeView = new QTreeView(m_configCard);
    m_treeView->setObjectName(u"configTree"_s);
    m_treeView->setAccessibleName(tr("Configuration"));
    m_treeView->setModel(m_shownTree);
    m_treeView->setItemDelegate(new ConfigDelegate(m_treeView));
    m_treeView->setFont(shell::Theme::font(shell::TextSize::Table));
    m_treeView->setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::EditKeyPressed |
                                QAbstractItemView::AnyKeyPressed | QAbstractItemView::SelectedClicked);
    m_treeView->setUniformRowHeights(true);
    m_treeView->setAllColumnsShowFocus(true);
    m_treeView->setIndentation(16);
    m_treeView->setTextElideMode(Qt::ElideMiddle);
    m_treeView->header()->setStyleSheet(u"QHeaderView::section { padding-left: 4px; }"_s);
    m_treeView->header()->setStretchLastSection(true);
    m_treeView->header()->resizeSection(itemmodels::ConfigTreeModel::Key, 240);
    m_treeView->header()->resizeSection(itemmodels::ConfigTreeModel::Value, 200);
    m_treeView->header()->resizeSection(itemmodels::ConfigTreeModel::Source, 190);
    m_configCard->setContent(m_treeView);

    connect(filter, &QLineEdit::textChanged, this, [this](const QString& text) {
        m_shownTree->setText(text);
        m_treeView->expandAll();
    });
    connect(which, &shell::SegmentedButtons::chosen, this, [this](const QString& id) {
        m_shownTree->setOverridesOnly(id == "overrides"_L1);
        m_treeView->expandAll();
    });
    return m_configCard;
}

QWidget* TrainPage::makeRun() {
    auto* card = new shell::Card(tr("Run"), this);
    auto* body = new QWidget(card);
    auto* form = new QFormLayout(body);
    form->setContentsMargins(0, 0, 0, 0);
    form->setSpacing(8);
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);

    m_model = new QComboBox(body);
    m_model->setObjectName(u"trainModel"_s);
    m_model->setEditable(true);
    m_model->setInsertPolicy(QComboBox::NoInsert);
    m_model->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_model->lineEdit()->setPlaceholderText(tr("folder or org/name"));
    m_tokens = new QLineEdit(body);
    m_tokens->setObjectName(u"trainTokens"_s);
    m_tokens->setPlaceholderText(tr("file of token rows"));
    auto* browse = new QPushButton(tr("Browse…"), body);
    browse->setObjectName(u"trainTokensBrowse"_s);
    browse->setAccessibleName(tr("Browse for a file of token rows"));
    auto* tokens = new QHBoxLayout;
    tokens->setSpacing(8);
    tokens->addWidget(m_tokens, 1);
    tokens->addWidget(browse);
    m_name = new QLineEdit(body);
    m_name->setObjectName(u"trainName"_s);
    m_name->setPlaceholderText(tr("optional, e.g. W2 rows"));

    const auto addRow = [&](const QString& text, QWidget* field, QLayout* layout) {
        auto* label = secondary(text, body);
        label->setBuddy(field);
        label->setContentsMargins(0, 0, 4, 0); // the underlined letter asks for more than the label counts
        field->setAccessibleName(QString(text).remove(u'&'));
        layout == nullptr ? form->addRow(label, field) : form->addRow(label, layout);
    };
    addRow(tr("&Model"), m_model, nullptr);
    addRow(tr("&Tokens"), m_tokens, tokens);
    addRow(tr("&Name"), m_name, nullptr);
    card->setContent(body, kGap);

    connect(m_model, &QComboBox::activated, this,
            [this](int index) { setField("model.path", m_model->itemData(index).toString()); });
    connect(m_model->lineEdit(), &QLineEdit::editingFinished, this,
            [this] { setField("model.path", m_model->currentText()); });
    connect(m_tokens, &QLineEdit::editingFinished, this,
            [this] { setField("data.tokens", m_tokens->text()); });
    connect(browse, &QPushButton::clicked, this, &TrainPage::pickTokens);
    connect(m_name, &QLineEdit::editingFinished, this, [this] { setField("run.name", m_name->text()); });
    return card;
}

QWidget* TrainPage::makeOverrides() {
    auto* card = new shell::Card(tr("Overrides"), this);
    card->setSubtitle(tr("as on the command line"));
    auto* body = new QWidget(card);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    m_text = new QPlainTextEdit(body);
    m_text->setObjectName(u"overrides"_s);
    m_text->setAccessibleName(tr("Overrides"));
    m_text->setPlaceholderText(tr("training.max_steps=200\ntraining.learning_rate=1e-3"));
    m_text->setTabChangesFocus(true);
    m_text->setMinimumHeight(72);
    m_problemLabel = new QLabel(body);
    m_problemLabel->setObjectName(u"overridesProblem"_s);
    m_problemLabel->setWordWrap(true);
    m_problemLabel->setProperty("tone", u"bad"_s);
    m_problemLabel->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_problemLabel->hide();
    column->addWidget(m_text, 1);
    column->addWidget(m_problemLabel);
    card->setContent(body, kGap);
    connect(m_text, &QPlainTextEdit::textChanged, this, &TrainPage::onTextChanged);
    return card;
}

QWidget* TrainPage::makeEstimate() {
    m_estimateCard = new shell::Card(tr("Estimate"), this);
    m_estimateCard->setObjectName(u"estimateCard"_s);
    auto* body = new QWidget(m_estimateCard);
    m_estimate = new QGridLayout(body);
    m_estimate->setContentsMargins(0, 0, 0, 0);
    m_estimate->setHorizontalSpacing(kGap);
    m_estimate->setVerticalSpacing(1);
    m_estimate->setColumnStretch(0, 1);
    m_estimateCard->setContent(body, kGap);
    return m_estimateCard;
}

QWidget* TrainPage::makeStart() {
    auto* body = new QWidget(this);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    m_reason = secondary({}, body);
    m_reason->setObjectName(u"startReason"_s);
    m_reason->setWordWrap(true);
    auto* copy = new QPushButton(tr("Copy as command"), body);
    copy->setObjectName(u"copyCommand"_s);
    m_start = new QPushButton(tr("Start"), body);
    m_start->setObjectName(u"startTraining"_s);
    m_start->setProperty("role", u"primary"_s);
    m_start->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Return));
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(8);
    buttons->addWidget(copy);
    buttons->addWidget(m_start, 1);
    column->addWidget(m_reason);
    column->addLayout(buttons);
    connect(copy, &QPushButton::clicked, this, &TrainPage::copyCommand);
    connect(m_start, &QPushButton::clicked, this, &TrainPage::start);
    return body;
}

QString TrainPage::breadcrumb() const {
    if (!m_plan.spec || !m_plan.model) return tr("new run");
    return tr("%1 › %2 steps")
        .arg(QString::fromStdString(m_plan.model->displayName()), shell::countText(m_plan.spec->maxSteps));
}

void TrainPage::activate() {
    loadPresets();
    if (m_planIsOld && !m_pause.isActive()) resolve();
}

void TrainPage::addOverrides(const QStringList& overrides) {
    for (const auto& word : overrides) {
        const auto at = word.indexOf(u'=');
        if (at > 0) m_list.set(word.left(at).toStdString(), word.mid(at + 1).toStdString());
    }
    writeText();
}

void TrainPage::loadPresets() {
    if (std::exchange(m_presetsAsked, true)) return;
    using Options = std::vector<std::string>;
    m_workspace.jobs().run<Options>(
        tr("Reading presets"), this,
        [](const shell::JobControl&) { return config::groupOptions("training"); },
        [this](base::Result<Options> options) {
            if (options)
                showPresets(*options);
            else
                showProblem(sentenceOf(options.error()), {});
        },
        nullptr, shell::JobRunner::Visibility::Quiet);
}

void TrainPage::showPresets(const std::vector<std::string>& options) {
    const auto tr = [](const char* text) { return QCoreApplication::translate("TrainPage", text); };
    const auto add = [this](PresetCard* card) {
        m_presets->addButton(card);
        m_presetRow->addWidget(card, 1);
    };
    for (const auto& preset : kPresets)
        if (std::find(options.begin(), options.end(), preset.option) != options.end())
            add(new PresetCard(QString::fromLatin1(preset.option), tr(preset.title), tr(preset.text)));
    for (const auto& option : options) {
        const bool known = std::any_of(kPresets.begin(), kPresets.end(),
                                       [&](const Preset& preset) { return option == preset.option; });
        const QString name = QString::fromStdString(option);
        if (!known)
            add(new PresetCard(name, name, tr(QT_TRANSLATE_NOOP("TrainPage", "From the configs folder"))));
    }
    showFields();
}

void TrainPage::setOverride(const std::string& key, const std::string& value) {
    m_list.set(key, value);
    writeText();
}

// An empty field takes the override away, so the value of the preset holds again.
void TrainPage::setField(const std::string& key, const QString& text) {
    const std::string value = text.trimmed().toStdString();
    const auto leaf = m_tree->indexOf(QString::fromStdString(key));
    const bool isComposed =
        leaf.isValid() && leaf.data(itemmodels::RawRole).toString().toStdString() == value;
    if (isComposed || (value.empty() && !m_list.value(key))) return;
    if (value.empty())
        m_list.remove(key);
    else
        m_list.set(key, itemmodels::overrideValue(value));
    writeText();
}

// Through a cursor, so that the box can undo what presets and fields did.
void TrainPage::writeText() {
    QTextCursor cursor(m_text->document());
    cursor.select(QTextCursor::Document);
    cursor.insertText(m_list.text());
    m_text->setTextCursor(cursor);
}

void TrainPage::onTextChanged() {
    m_planIsOld = true;
    m_resolving.clear();
    m_pause.start();
    updateStart();
}

void TrainPage::resolve() {
    auto list = itemmodels::OverrideList::parse(m_text->toPlainText());
    if (!list) {
        m_plan.problem = list.error();
        showProblem(sentenceOf(list.error()), QString::fromStdString(list.error().field));
        updateStart();
        return;
    }
    m_list = std::move(*list);
    m_workspace.jobs().run<itemmodels::TrainingPlan>(
        tr("Resolving the configuration"), this,
        [words = m_list.words()](const shell::JobControl&) -> base::Result<itemmodels::TrainingPlan> {
            return itemmodels::planTraining(words);
        },
        [this](base::Result<itemmodels::TrainingPlan> plan) {
            if (plan) showPlan(std::move(*plan));
        },
        &m_resolving, shell::JobRunner::Visibility::Quiet);
}

void TrainPage::showPlan(itemmodels::TrainingPlan plan) {
    m_plan = std::move(plan);
    m_planIsOld = false;
    if (m_plan.composition) {
        m_tree->setComposition(*m_plan.composition);
        const auto overrides =
            std::count_if(m_plan.composition->sources.begin(), m_plan.composition->sources.end(),
                          [](const auto& source) { return source.second.starts_with("override"); });
        m_configCard->setSubtitle(
            tr("%n key(s)", nullptr, static_cast<int>(m_plan.composition->sources.size())) + u" · "_s +
            tr("%n overridden", nullptr, static_cast<int>(overrides)));
    }
    if (m_plan.problem)
        showProblem(sentenceOf(*m_plan.problem), QString::fromStdString(m_plan.problem->field));
    else
        showProblem({}, {});
    // What resolves but cannot start is said beside Start alone.
    m_problemLabel->setVisible(m_plan.problem.has_value() && !m_plan.spec);
    showFields();
    showEstimate();
    updateStart();
    emit breadcrumbChanged();
}

void TrainPage::showProblem(const QString& sentence, const QString& key) {
    m_problem = sentence;
    m_tree->setProblem(key, sentence);
    m_problemLabel->setText(sentence);
    m_problemLabel->setVisible(!sentence.isEmpty());
}

// The fields follow the composed values, except the one that is being typed into.
void TrainPage::showFields() {
    if (!m_plan.composition) return;
    const auto show = [this](QLineEdit* field, const char* key) {
        if (field->hasFocus()) return;
        const auto leaf = m_tree->indexOf(QString::fromLatin1(key));
        const QString text = leaf.data(itemmodels::RawRole).toString();
        field->setText(text == "null"_L1 ? QString() : text);
        field->setToolTip(field->text());
    };
    show(m_model->lineEdit(), "model.path");
    show(m_tokens, "data.tokens");
    show(m_name, "run.name");
    const std::string chosen = m_list.value("training").value_or("fairy2_w2");
    for (auto* button : m_presets->buttons())
        button->setChecked(qobject_cast<PresetCard*>(button)->option().toStdString() == chosen);
}

void TrainPage::showEstimate() {
    while (auto* item = m_estimate->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    if (!m_plan.estimate) {
        m_estimateCard->setSubtitle({});
        m_estimate->addWidget(secondary(tr("Memory and time, as soon as model and tokens are known"), this),
                              0, 0);
        return;
    }
    const auto& estimate = *m_plan.estimate;
    int row = 0;
    const auto add = [&](const QString& label, const QString& value, bool strong = false) {
        auto* left = secondary(label, this);
        auto* right = new QLabel(value, this);
        right->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        if (strong) right->setFont(shell::Theme::font(shell::TextSize::Body, true));
        m_estimate->setRowMinimumHeight(row, kEstimateRow);
        m_estimate->addWidget(left, row, 0);
        m_estimate->addWidget(right, row++, 1);
    };
    const auto bytes = [](double value) { return shell::bytesText(static_cast<std::uint64_t>(value)); };
    const auto memory = itemmodels::physicalMemory();
    m_estimateCard->setSubtitle(tr("from shapes, for one process"));
    add(tr("weights and gradients, fp32"), bytes(estimate.masterBytes + estimate.gradientBytes));
    add(tr("AdamW moments, fp32"), bytes(estimate.optimizerBytes));
    if (estimate.quantizedBytes > 0) add(tr("quantised copies A_q"), bytes(estimate.quantizedBytes));
    add(tr("activations of one micro-batch"), bytes(estimate.activationBytes));
    add(tr("memory in all"),
        memory ? tr("%1 of %2").arg(bytes(estimate.bytes()), bytes(*memory)) : bytes(estimate.bytes()), true);
    add(tr("tokens per step"), shell::countText(static_cast<std::int64_t>(estimate.tokensPerStep)));
    const double stored = static_cast<double>(m_plan.rows.rows) * static_cast<double>(m_plan.rows.length);
    add(tr("tokens in all"), stored > 0
                                 ? tr("%1 · %2 epochs")
                                       .arg(shell::countText(static_cast<std::int64_t>(estimate.tokens)),
                                            shell::numberText(estimate.tokens / stored, 1))
                                 : shell::countText(static_cast<std::int64_t>(estimate.tokens)));

    // The only honest clock is a run of the same model on this machine.
    const auto& runs = RunStore::of(m_workspace).rows();
    const auto known = std::find_if(runs.begin(), runs.end(), [&](const itemmodels::RunRow& run) {
        return run.tokensPerSecond.value_or(0) > 0 && modelOf(run.summary.config) == m_plan.spec->modelPath;
    });
    if (known == runs.end())
        add(tr("time"), tr("known after a first run"));
    else
        add(tr("time, as fast as “%1”").arg(QString::fromStdString(itemmodels::displayName(known->summary))),
            shell::durationText(estimate.tokens / *known->tokensPerSecond), true);
}

void TrainPage::updateStart() {
    QString reason;
    if (m_starting.busy())
        reason = tr("Starting …");
    else if (m_planIsOld)
        reason = tr("Resolving the configuration …");
    else if (m_plan.problem)
        reason = m_problemLabel->isHidden() ? tr("Cannot start: %1").arg(m_problem)
                                            : tr("Cannot start before the overrides resolve");
    m_reason->setText(reason);
    m_reason->setVisible(!reason.isEmpty());
    m_start->setEnabled(reason.isEmpty() && m_plan.canStart());
    m_start->setToolTip(reason.isEmpty() ? tr("Start training (Ctrl+Return)") : reason);
}

void TrainPage::offerModels() {
    const QString typed = m_model->currentText();
    m_model->clear();
    const auto offer = [this](const QString& label, const QString& path) {
        if (m_model->findData(path) < 0) m_model->addItem(label, path);
    };
    if (const auto& open = m_workspace.checkpoint())
        offer(tr("%1 (open now)").arg(QString::fromStdString(open->displayName())),
              QString::fromStdString(open->path().string()));
    offer(tr("stories260K (bundled demo)"), shell::Workspace::demoPath());
    for (const auto& path : m_workspace.recent())
        offer(path, path);
    m_model->setCurrentIndex(-1);
    m_model->setCurrentText(typed);
    m_model->lineEdit()->setCursorPosition(0);
}

void TrainPage::pickTokens() {
    shell::PickFile::open(this, u"tokens"_s, tr("Training tokens"), tr("Token rows (*.safetensors *.txt)"),
                          [this](const QString& path) { setField("data.tokens", path); });
}

void TrainPage::copyCommand() {
    QGuiApplication::clipboard()->setText(command());
    m_workspace.notify(tr("The command is on the clipboard: %1").arg(command()));
}

void TrainPage::start() {
    if (!m_plan.canStart() || m_planIsOld || m_starting.busy()) return;
    using Run = runs::RunDirectory;
    m_workspace.jobs().run<Run>(
        tr("Starting a run"), this,
        [composition = *m_plan.composition, command = command().toStdString(), name = m_plan.spec->runName](
            const shell::JobControl&) { return runs::launch(composition, command, name); },
        [this](base::Result<Run> run) {
            updateStart();
            if (!run) {
                showProblem(sentenceOf(run.error()), QString::fromStdString(run.error().field));
                return;
            }
            RunStore::of(m_workspace).setCurrent(run->uuid());
            m_workspace.registry().refresh();
            m_workspace.requestPage(u"runs"_s);
        },
        &m_starting);
    updateStart();
}

} // namespace fairy2::pages
