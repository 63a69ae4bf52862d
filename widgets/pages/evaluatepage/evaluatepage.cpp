// SPDX-License-Identifier: Apache-2.0
#include "pages/evaluatepage/evaluatepage.h"

#include "base/paths.h"
#include "models/evaluationsmodel.h"
#include "pages/candidatestore.h"
#include "pages/checkdelegate.h"
#include "pages/evaluatepage/answerview.h"
#include "shell/card.h"
#include "shell/pickfile.h"
#include "shell/tableview.h"
#include "shell/theme.h"
#include "shell/workspace.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
namespace {

constexpr int kGap = 12;
constexpr int kLeftWidth = 400;
constexpr std::size_t kMostSpeakers = 4;

QString demoTokens() {
    return QString::fromStdString(
        (base::dataDirectory() / "resources/demo/stories_tokens.safetensors").string());
}

QLabel* secondary(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setProperty("role", u"secondary"_s);
    return label;
}

} // namespace

EvaluatePage::EvaluatePage(shell::Workspace& workspace, QWidget* parent)
    : Page(parent), m_workspace(workspace), m_store(CandidateStore::of(workspace)),
      m_candidates(new itemmodels::CandidatesModel(this)), m_results(new itemmodels::EvaluationsModel(this)),
      m_evaluator(new Evaluator(workspace, this)) {
    setObjectName(u"evaluatePage"_s);
    auto* right = new QVBoxLayout;
    right->setSpacing(kGap);
    right->addWidget(makeResults(), 1);
    right->addWidget(makePrompt(), 1);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(kGap);
    row->addWidget(makeChoice());
    row->addLayout(right, 1);

    connect(&m_store, &CandidateStore::changed, this, &EvaluatePage::showCandidates);
    connect(&m_store, &CandidateStore::requested, this, &EvaluatePage::takeRequests);
    connect(m_candidates, &itemmodels::CandidatesModel::checkedChanged, this, &EvaluatePage::updateButtons);
    connect(m_evaluator, &Evaluator::changed, this, &EvaluatePage::showEvaluations);
    connect(m_evaluator, &Evaluator::busyChanged, this, &EvaluatePage::updateButtons);
    connect(m_evaluator, &Evaluator::failed, this, [this](const QString& label, const base::Error& error) {
        m_failure->setText(tr("%1: %2").arg(label, QString::fromStdString(error.sentence())));
        m_failure->show();
    });
    showCandidates();
    takeRequests();
    setTokens(demoTokens());
    updateButtons();
}

EvaluatePage::~EvaluatePage() = default;

QWidget* EvaluatePage::makeChoice() {
    auto* card = new shell::Card(tr("Checkpoints"), this);
    card->setFixedWidth(kLeftWidth);
    auto* open = new QPushButton(tr("Open other…"), card);
    open->setObjectName(u"evaluateOpen"_s);
    card->addHeaderWidget(open);

    auto* body = new QWidget(card);
    auto* table = new shell::TableView(tr("Checkpoints"), body);
    table->setObjectName(u"evaluateCandidates"_s);
    table->setModel(m_candidates);
    table->setItemDelegate(new CheckDelegate(table));
    table->setSortingEnabled(false);
    table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    table->horizontalHeader()->setSectionResizeMode(1, QHeaderView::ResizeToContents);

    auto* choices = new QWidget(body);
    auto* form = new QFormLayout(choices);
    form->setContentsMargins(kGap, kGap, kGap, kGap);
    form->setSpacing(8);
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    auto* modes = new QHBoxLayout;
    modes->setSpacing(kGap);
    const auto addMode = [&](const QString& text, itemmodels::EvaluationMode mode, const QString& toolTip) {
        auto* box = new QCheckBox(text, choices);
        box->setObjectName(u"mode_"_s + QString::fromStdString(mode.name()));
        box->setToolTip(toolTip);
        connect(box, &QCheckBox::toggled, this, &EvaluatePage::updateButtons);
        modes->addWidget(box);
        m_modes.emplace_back(box, mode);
    };
    addMode(tr("as stored"), {},
            tr("Trained and exported checkpoints with their own recipe, others in full precision"));
    addMode(tr("fp"), {0}, tr("Full precision"));
    addMode(tr("W1"), {1}, tr("Quantised on loading, one stage"));
    addMode(tr("W2"), {2}, tr("Quantised on loading, two stages"));
    modes->addStretch(1);
    m_modes.front().first->setChecked(true);

    m_tokens = new QLineEdit(choices);
    m_tokens->setObjectName(u"evaluateTokens"_s);
    m_tokens->setReadOnly(true);
    auto* browse = new QPushButton(tr("Browse…"), choices);
    browse->setAccessibleName(tr("Browse for a file of token rows"));
    auto* tokens = new QHBoxLayout;
    tokens->setSpacing(8);
    tokens->addWidget(m_tokens, 1);
    tokens->addWidget(browse);
    m_key = new QComboBox(choices);
    m_key->setObjectName(u"evaluateKey"_s);
    m_rows = new QSpinBox(choices);
    m_rows->setObjectName(u"evaluateRows"_s);
    m_rows->setButtonSymbols(QAbstractSpinBox::NoButtons);
    m_rows->setRange(0, 1000000);
    m_rows->setSpecialValueText(tr("all"));
    auto* keyAndRows = new QHBoxLayout;
    keyAndRows->setSpacing(8);
    keyAndRows->addWidget(m_key, 1);
    auto* rowsLabel = secondary(tr("rows"), choices);
    rowsLabel->setBuddy(m_rows);
    keyAndRows->addWidget(rowsLabel);
    keyAndRows->addWidget(m_rows);
    const auto addRow = [&](const QString& text, QWidget* field, QLayout* layout) {
        auto* label = secondary(text, choices);
        label->setBuddy(field);
        field->setAccessibleName(text);
        form->addRow(label, layout);
    };
    addRow(tr("Modes"), m_modes.front().first, modes);
    addRow(tr("Tokens"), m_tokens, tokens);
    addRow(tr("Key"), m_key, keyAndRows);
    m_rows->setAccessibleName(tr("Rows to score"));

    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(table, 1);
    column->addWidget(new shell::Hairline(Qt::Horizontal, body));
    column->addWidget(choices);
    card->setContent(body);

    connect(open, &QPushButton::clicked, this, [this] {
        shell::PickFile::folder(this, u"model"_s, tr("Open a checkpoint"), [this](const QString& path) {
            m_store.add(path);
            m_candidates->setChecked(path, true);
        });
    });
    connect(browse, &QPushButton::clicked, this, [this] {
        shell::PickFile::open(this, u"tokens"_s, tr("Tokens to score"),
                              tr("Token rows (*.safetensors *.txt)"),
                              [this](const QString& path) { setTokens(path); });
    });
    return card;
}

QWidget* EvaluatePage::makeResults() {
    m_resultsCard = new shell::Card(tr("Loss"), this);
    m_resultsCard->setSubtitle(tr("nats per token, lower is better"));
    m_evaluate = new QPushButton(tr("Evaluate"), m_resultsCard);
    m_evaluate->setObjectName(u"evaluate"_s);
    m_evaluate->setProperty("role", u"primary"_s);
    m_resultsCard->addHeaderWidget(m_evaluate);

    auto* body = new QWidget(m_resultsCard);
    m_table = new shell::TableView(tr("Evaluations"), body);
    m_table->setObjectName(u"evaluations"_s);
    m_table->setModel(m_results);
    m_table->setSortingEnabled(false);
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_table->horizontalHeader()->setSectionResizeMode(itemmodels::EvaluationsModel::Checkpoint,
                                                      QHeaderView::Stretch);
    m_failure = new QLabel(body);
    m_failure->setObjectName(u"evaluateFailure"_s);
    m_failure->setProperty("tone", u"bad"_s);
    m_failure->setWordWrap(true);
    m_failure->setContentsMargins(kGap, 6, kGap, 6);
    m_failure->hide();
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_table, 1);
    column->addWidget(m_failure);
    m_resultsCard->setContent(body);
    connect(m_evaluate, &QPushButton::clicked, this, [this] {
        if (m_evaluator->busy())
            m_evaluator->cancel();
        else
            evaluate();
    });
    return m_resultsCard;
}

QWidget* EvaluatePage::makePrompt() {
    auto* card = new shell::Card(tr("One prompt, side by side"), this);
    card->setSubtitle(tr("greedy, up to four checkpoints"));
    auto* body = new QWidget(card);
    m_prompt = new QLineEdit(tr("Once upon a time"), body);
    m_prompt->setObjectName(u"prompt"_s);
    m_prompt->setAccessibleName(tr("Prompt"));
    m_prompt->setPlaceholderText(tr("Prompt; empty starts at the beginning of a text"));
    m_length = new QSpinBox(body);
    m_length->setObjectName(u"promptLength"_s);
    m_length->setAccessibleName(tr("Tokens to write"));
    m_length->setButtonSymbols(QAbstractSpinBox::NoButtons);
    m_length->setRange(1, 4096);
    m_length->setValue(96);
    m_length->setSuffix(tr(" tokens"));
    m_generate = new QPushButton(tr("Generate"), body);
    m_generate->setObjectName(u"generate"_s);
    auto* line = new QHBoxLayout;
    line->setContentsMargins(kGap, 8, kGap, 8);
    line->setSpacing(8);
    line->addWidget(m_prompt, 1);
    line->addWidget(m_length);
    line->addWidget(m_generate);

    auto* answers = new QWidget(body);
    answers->setObjectName(u"answers"_s);
    m_columns = new QHBoxLayout(answers);
    m_columns->setContentsMargins(0, 0, 0, 0);
    m_columns->setSpacing(0);
    m_columns->addWidget(
        secondary(tr("Here the checked checkpoints will write on, next to each other."), answers), 0,
        Qt::AlignCenter);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(line);
    column->addWidget(new shell::Hairline(Qt::Horizontal, body));
    column->addWidget(answers, 1);
    card->setContent(body);
    connect(m_generate, &QPushButton::clicked, this,
            [this] { generating() ? stopGenerating() : generate(); });
    connect(m_prompt, &QLineEdit::returnPressed, this, &EvaluatePage::generate);
    return card;
}

QString EvaluatePage::breadcrumb() const {
    return tr("%n checkpoint(s) chosen", nullptr, static_cast<int>(m_candidates->checked().size()));
}

void EvaluatePage::activate() {
    m_evaluator->refresh();
}

void EvaluatePage::showCandidates() {
    const bool first = m_candidates->rowCount() == 0;
    m_candidates->setCandidates(m_store.all());
    if (first && m_candidates->rowCount() > 0)
        m_candidates->setChecked(m_candidates->candidate(0).path, true);
    updateButtons();
}

void EvaluatePage::takeRequests() {
    for (const auto& path : m_store.takeRequests(u"evaluate"_s)) {
        m_store.add(path);
        m_candidates->setChecked(path, true);
    }
}

void EvaluatePage::setTokens(const QString& file) {
    m_tokens->setText(file);
    m_tokens->setToolTip(file);
    m_tokens->setCursorPosition(static_cast<int>(file.size()));
    m_key->clear();
    if (!file.endsWith(".safetensors"_L1)) return;
    using Keys = std::vector<std::string>;
    m_workspace.jobs().run<Keys>(
        tr("Reading token keys"), this,
        [path = file.toStdString()](const shell::JobControl&) { return data::TokenRows::keys(path); },
        [this](base::Result<Keys> keys) {
            if (!keys) {
                m_failure->setText(QString::fromStdString(keys.error().sentence()));
                m_failure->show();
                return;
            }
            for (const auto& key : *keys)
                m_key->addItem(QString::fromStdString(key));
            // Held-out rows are what a loss is asked of.
            const int held = m_key->findText(u"val"_s);
            m_key->setCurrentIndex(std::max(0, held));
        },
        &m_readingKeys, shell::JobRunner::Visibility::Quiet);
}

std::vector<itemmodels::EvaluationMode> EvaluatePage::modes() const {
    std::vector<itemmodels::EvaluationMode> chosen;
    for (const auto& [box, mode] : m_modes)
        if (box->isChecked()) chosen.push_back(mode);
    return chosen;
}

std::vector<Speaker> EvaluatePage::speakers() const {
    std::vector<Speaker> all;
    for (const auto& candidate : m_candidates->checked())
        for (const auto& mode : modes())
            if (all.size() < kMostSpeakers) all.push_back({candidate, mode});
    return all;
}

void EvaluatePage::evaluate() {
    m_failure->hide();
    const TokenChoice tokens{m_tokens->text().toStdString(), m_key->currentText().toStdString(),
                             m_rows->value()};
    std::vector<EvaluationOrder> orders;
    for (const auto& candidate : m_candidates->checked())
        for (const auto& mode : modes())
            orders.push_back({candidate, mode, tokens});
    m_evaluator->evaluate(std::move(orders));
}

void EvaluatePage::showEvaluations() {
    m_results->setEvaluations(m_evaluator->evaluations());
}

void EvaluatePage::updateButtons() {
    const bool chosen = !m_candidates->checked().empty() && !modes().empty();
    const QString why = chosen ? QString() : tr("Check a checkpoint and a mode first");
    if (m_evaluate != nullptr) {
        m_evaluate->setText(m_evaluator->busy() ? tr("Cancel") : tr("Evaluate"));
        m_evaluate->setEnabled(m_evaluator->busy() || chosen);
        m_evaluate->setToolTip(why);
    }
    if (m_generate != nullptr) {
        m_generate->setText(generating() ? tr("Stop") : tr("Generate"));
        m_generate->setEnabled(generating() || chosen);
        m_generate->setToolTip(why);
    }
    emit breadcrumbChanged();
}

bool EvaluatePage::generating() const {
    return std::any_of(m_generating.begin(), m_generating.end(),
                       [](const auto& slot) { return slot->busy(); });
}

void EvaluatePage::stopGenerating() {
    for (const auto& slot : m_generating)
        slot->clear();
    updateButtons();
}

void EvaluatePage::generate() {
    stopGenerating();
    m_generating.clear();
    m_answers.clear();
    while (auto* item = m_columns->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    infer::GenerateOptions options;
    options.maxTokens = m_length->value();
    const QString prompt = m_prompt->text();
    const auto all = speakers();
    for (std::size_t column = 0; column < all.size(); ++column) {
        if (column > 0) m_columns->addWidget(new shell::Hairline(Qt::Vertical));
        auto* view = new AnswerView(all[column]);
        view->setObjectName(u"answer%1"_s.arg(column));
        view->begin(prompt);
        m_columns->addWidget(view, 1);
        m_answers.push_back(view);
        m_generating.push_back(std::make_unique<shell::JobSlot>());
        auto* job = m_workspace.jobs().run<Answer>(
            tr("%1 writes").arg(all[column].candidate.label), view,
            [speaker = all[column], prompt = prompt.toStdString(), options,
             view](const shell::JobControl& control) {
                return answer(speaker, prompt, options, control.task(), [&](const std::string& piece) {
                    control.post([view, text = QString::fromStdString(piece)] { view->append(text); });
                });
            },
            [this, column, view](base::Result<Answer> result) {
                if (result)
                    finishAnswer(column, *result);
                else
                    view->fail(QString::fromStdString(result.error().sentence()));
                updateButtons();
            },
            m_generating.back().get());
        connect(job, &shell::Job::over, this, &EvaluatePage::updateButtons);
    }
    updateButtons();
}

// Every column is compared with the first, whichever of them is done sooner.
void EvaluatePage::finishAnswer(std::size_t column, const Answer& answer) {
    m_answers[column]->finish(answer);
    const auto& reference = m_answers.front()->answer();
    if (!reference) return;
    for (std::size_t i = 1; i < m_answers.size(); ++i)
        if (m_answers[i]->answer())
            m_answers[i]->markDifference(firstDifference(*reference, *m_answers[i]->answer()));
}

} // namespace fairy2::pages
