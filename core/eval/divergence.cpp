// SPDX-License-Identifier: Apache-2.0
#include "eval/divergence.h"

#include "eval/perplexity.h"
#include "eval/rowloop.h"
#include "infer/kernels.h"
#include "infer/kvcache.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace fairy2::eval {
namespace {

// What one row contributes.
struct RowSums {
    std::vector<double> divergences;
    double teacherLoss = 0;
    double studentLoss = 0;
    std::int64_t agreements = 0;
};

void addPiece(RowSums& sums, const infer::DivergenceSums& position, double teacherTarget,
              double studentTarget) {
    sums.divergences.push_back(position.divergence());
    sums.teacherLoss += position.teacher.value() - teacherTarget;
    sums.studentLoss += position.student.value() - studentTarget;
    sums.agreements += position.teacher.argmax == position.student.argmax ? 1 : 0;
}

// Both models run through the same piece of the row, then through the vocabulary side by side.
RowSums compareRow(const infer::ModelWeights& teacher, const infer::ModelWeights& student,
                   std::span<const std::int32_t> ids) {
    RowSums sums;
    infer::Decoder teacherDecoder(teacher, 1);
    infer::Decoder studentDecoder(student, 1);
    infer::KvCache teacherCache(teacher);
    infer::KvCache studentCache(student);
    const auto vocab = teacher.spec.vocabSize;
    for (std::size_t start = 0; start + 1 < ids.size(); start += infer::kChunk) {
        const auto length = std::min(static_cast<std::size_t>(infer::kChunk), ids.size() - 1 - start);
        const auto rows = static_cast<std::int64_t>(length);
        const auto* targets = ids.data() + start + 1;
        std::vector<float> teacherHidden;
        std::vector<float> studentHidden;
        const auto piece = ids.subspan(start, length);
        feedInChunks(teacherDecoder, piece, teacherCache,
                     [&](auto, const std::vector<float>& hidden) { teacherHidden = hidden; });
        feedInChunks(studentDecoder, piece, studentCache,
                     [&](auto, const std::vector<float>& hidden) { studentHidden = hidden; });

        std::vector<infer::DivergenceSums> positions(length);
        std::vector<double> teacherTargets(length);
        std::vector<double> studentTargets(length);
        const auto atOnce = infer::logitsPiece(rows, vocab);
        for (std::int64_t first = 0; first < vocab; first += atOnce) {
            const auto entries = std::min(atOnce, vocab - first);
            const float* t = teacherDecoder.logits(teacherHidden.data(), rows, first, entries);
            const float* s = studentDecoder.logits(studentHidden.data(), rows, first, entries);
            for (std::size_t i = 0; i < length; ++i) {
                const auto offset = static_cast<std::int64_t>(i) * entries;
                accumulate(positions[i], t + offset, s + offset, entries, first);
                const auto place = targets[i] - first;
                if (place < 0 || place >= entries) continue;
                teacherTargets[i] = static_cast<double>(t[offset + place]);
                studentTargets[i] = static_cast<double>(s[offset + place]);
            }
        }
        for (std::size_t i = 0; i < length; ++i)
            addPiece(sums, positions[i], teacherTargets[i], studentTargets[i]);
    }
    return sums;
}

base::Result<void> checkVocabularies(const infer::Transformer& teacher, const infer::Transformer& student) {
    if (teacher.spec().vocabSize == student.spec().vocabSize) return {};
    return base::badInput(fmt::format("the teacher has {} tokens in its vocabulary and the student {}",
                                      teacher.spec().vocabSize, student.spec().vocabSize),
                          {}, "vocab_size", "compare models with the same tokenizer");
}

} // namespace

base::Json Divergence::toJson() const {
    return {{"mean", mean},
            {"p99", p99},
            {"max", max},
            {"standard_error", std::isfinite(standardError) ? base::Json(standardError) : base::Json()},
            {"top1_agreement", top1Agreement},
            {"teacher_nats_per_token", teacherLoss},
            {"nats_per_token", studentLoss},
            {"positions", positions}};
}

base::Result<Divergence> divergence(const infer::Transformer& teacher, const infer::Transformer& student,
                                    const data::TokenRows& rows, std::int64_t maxRows,
                                    const base::Task& task) {
    FAIRY2_TRY(checkVocabularies(teacher, student));
    const auto count = maxRows > 0 ? std::min(maxRows, rows.rows()) : rows.rows();
    std::vector<RowSums> perRow(static_cast<std::size_t>(count));
    const auto one = [&](std::int64_t row) -> base::Result<void> {
        const auto ids = rows.row(row);
        FAIRY2_TRY(teacher.check(ids));
        FAIRY2_TRY(student.check(ids));
        auto sums = compareRow(teacher.weights(), student.weights(), ids);
        const double all = std::accumulate(sums.divergences.begin(), sums.divergences.end(),
                                           sums.teacherLoss + sums.studentLoss);
        perRow[static_cast<std::size_t>(row)] = std::move(sums);
        if (std::isfinite(all)) return {};
        return base::fail(base::ErrorCode::Failed, "the divergence is not finite", {}, {},
                          "the weights or activations of a model overflow fp32");
    };
    FAIRY2_TRY(forEachRow(count, task, "comparing", one));

    Divergence result;
    std::vector<double> all;
    std::vector<double> rowSums;
    std::vector<std::int64_t> rowPositions;
    std::int64_t agreements = 0;
    for (const auto& row : perRow) {
        all.insert(all.end(), row.divergences.begin(), row.divergences.end());
        rowSums.push_back(std::accumulate(row.divergences.begin(), row.divergences.end(), 0.0));
        rowPositions.push_back(static_cast<std::int64_t>(row.divergences.size()));
        result.teacherLoss += row.teacherLoss;
        result.studentLoss += row.studentLoss;
        agreements += row.agreements;
    }
    if (all.empty()) return base::badInput("there is nothing to score: every row has fewer than two tokens");
    const auto mean = meanOverRows(rowSums, rowPositions);
    const auto positions = static_cast<double>(all.size());
    std::sort(all.begin(), all.end());
    result.mean = mean.mean;
    result.standardError = mean.standardError;
    result.p99 = all[(all.size() * 99 + 99) / 100 - 1];
    result.max = all.back();
    result.teacherLoss /= positions;
    result.studentLoss /= positions;
    result.top1Agreement = static_cast<double>(agreements) / positions;
    result.positions = mean.tokens;
    return result;
}

} // namespace fairy2::eval
