// SPDX-License-Identifier: Apache-2.0
#include "pages/evaluator.h"

#include "base/clock.h"
#include "models/evaluationsmodel.h"
#include "shell/registryservice.h"
#include "shell/workspace.h"

namespace fairy2::pages {
namespace {

using itemmodels::Evaluation;

constexpr std::int64_t kPerOrder = 1000; ///< units of progress that one evaluation counts for

base::Result<Evaluation> evaluateOne(const EvaluationOrder& order, const base::Task& task) {
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(order.candidate.path.toStdString()));
    Evaluation evaluation;
    evaluation.mode = itemmodels::canonicalMode(*checkpoint, order.mode);
    evaluation.label = order.candidate.label.toStdString();
    evaluation.path = order.candidate.path.toStdString();
    evaluation.tokens = order.tokens.file;
    evaluation.key = order.tokens.key;
    evaluation.maxRows = order.tokens.maxRows;
    FAIRY2_ASSIGN(const auto rows,
                  data::TokenRows::open(order.tokens.file, order.tokens.key, checkpoint->spec().vocabSize));
    FAIRY2_ASSIGN(evaluation.contentHash, checkpoint->contentHash());
    FAIRY2_ASSIGN(const auto model, infer::Transformer::load(*checkpoint, evaluation.mode.recipe(), task));
    FAIRY2_ASSIGN(evaluation.result, eval::perplexity(*model, rows, order.tokens.maxRows, task));
    const auto size = itemmodels::sizeInMode(*checkpoint, evaluation.mode);
    evaluation.bitsPerWeight = size.bitsPerWeight;
    evaluation.bytes = size.bytes;
    evaluation.wallTime = base::wallTime();
    return evaluation;
}

} // namespace

Evaluator::Evaluator(shell::Workspace& workspace, QObject* parent)
    : QObject(parent), m_workspace(workspace) {}

void Evaluator::refresh() {
    using Known = std::vector<Evaluation>;
    m_workspace.registry().query<Known>(
        this,
        [](runs::Registry& registry) -> base::Result<Known> {
            FAIRY2_ASSIGN(const auto rows, registry.results());
            Known known;
            for (const auto& row : rows)
                if (auto evaluation = Evaluation::fromRow(row)) known.push_back(std::move(*evaluation));
            return known;
        },
        [this](base::Result<Known> known) {
            if (!known) return;
            m_known = std::move(*known);
            emit changed();
        });
}

void Evaluator::cancel() {
    m_slot.clear();
    emit busyChanged();
}

void Evaluator::evaluate(std::vector<EvaluationOrder> orders) {
    if (orders.empty()) return;
    const QString title = orders.size() == 1
                              ? tr("Evaluating %1").arg(orders.front().candidate.label)
                              : tr("Evaluating %n checkpoint(s)", nullptr, static_cast<int>(orders.size()));
    auto* job = m_workspace.jobs().run<bool>(
        title, this,
        [this, orders = std::move(orders)](const shell::JobControl& control) -> base::Result<bool> {
            const auto total = static_cast<std::int64_t>(orders.size()) * kPerOrder;
            for (std::size_t i = 0; i < orders.size(); ++i) {
                const auto& order = orders[i];
                const auto label = order.candidate.label.toStdString();
                base::Task part;
                part.cancel = control.task().cancel;
                part.report = [&](std::int64_t done, std::int64_t of, const std::string&) {
                    const auto share = of > 0 ? done * kPerOrder / of : 0;
                    control.task().progress(static_cast<std::int64_t>(i) * kPerOrder + share, total, label);
                };
                auto evaluation = evaluateOne(order, part);
                if (control.task().cancelled()) return base::cancelled();
                if (evaluation)
                    control.post([this, done = std::move(*evaluation)] { save(done); });
                else
                    control.post([this, name = order.candidate.label, error = evaluation.error()] {
                        emit failed(name, error);
                    });
            }
            return true;
        },
        [this](const base::Result<bool>&) { emit busyChanged(); }, &m_slot);
    connect(job, &shell::Job::over, this, &Evaluator::busyChanged);
    emit busyChanged();
}

void Evaluator::save(const Evaluation& evaluation) {
    m_known.push_back(evaluation);
    emit changed();
    m_workspace.registry().query<bool>(
        this,
        [row = evaluation.toRow()](runs::Registry& registry) -> base::Result<bool> {
            FAIRY2_TRY(registry.addResult(row));
            return true;
        },
        [this](base::Result<bool> saved) {
            if (!saved) m_workspace.notify(QString::fromStdString(saved.error().sentence()));
        });
}

} // namespace fairy2::pages
