// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infer/generate.h"
#include "models/candidatesmodel.h"
#include "models/evaluation.h"

#include <QString>
#include <vector>

namespace fairy2::pages {

/// Who answers a prompt.
struct Speaker {
    itemmodels::Candidate candidate;
    itemmodels::EvaluationMode mode;
};

/// A whole answer, with where each of its tokens ends in the text.
struct Answer {
    std::vector<std::int32_t> ids;
    QString text;
    std::vector<qsizetype> ends; ///< one an id: characters of `text` up to and with that token
    double tokensPerSecond = 0;
};

/// Loads the model and its tokenizer and continues the prompt; for a worker thread.
[[nodiscard]] base::Result<Answer> answer(const Speaker& speaker, const std::string& prompt,
                                          const infer::GenerateOptions& options, const base::Task& task,
                                          const std::function<void(const std::string&)>& onText);

/// The first token in which two answers differ, or nothing when one begins with the other.
[[nodiscard]] std::optional<std::size_t> firstDifference(const Answer& a, const Answer& b);

} // namespace fairy2::pages
