// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/runrow.h"

#include <functional>
#include <memory>
#include <string_view>

namespace fairy2::itemmodels {

/// The text in the filter box of the run table:
///   tag:NAME  state:WORD  name:TEXT  note:TEXT  model:TEXT    text holds TEXT, or matches it as a glob
///   cfg.KEY>=1                                                a config key, or the end of one ("stages")
///   loss  val_loss  bits  speed  step  progress               compared with < <= > >= = !=
///   word                                                      anywhere in name, tags, notes, state, model
/// joined by AND (or a blank), OR, NOT and parentheses; "…" keeps blanks together. Case does not matter.
class RunFilter {
public:
    RunFilter() = default; ///< lets everything through
    /// Errors are sentences that name the word that was not understood.
    [[nodiscard]] static base::Result<RunFilter> parse(std::string_view text);
    [[nodiscard]] bool accepts(const RunRow& row) const { return !m_predicate || m_predicate(row); }

    using Predicate = std::function<bool(const RunRow&)>;

private:
    explicit RunFilter(Predicate predicate) : m_predicate(std::move(predicate)) {}
    Predicate m_predicate;
};

} // namespace fairy2::itemmodels
