// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/runreplay.h"

namespace fairy2::runs {

/// Follows a run as its log grows, from the beginning.
class RunTail {
public:
    explicit RunTail(RunDirectory run) : m_run(std::move(run)) {}

    /// Takes in what is new; the records that came are those of this call only.
    [[nodiscard]] base::Result<std::vector<LogRecord>> poll();

    [[nodiscard]] const RunDirectory& run() const noexcept { return m_run; }
    /// As of the last poll; a run whose supervisor is gone is Lost.
    [[nodiscard]] base::Result<RunSummary> summary() const { return m_run.summaryOf(m_replay); }
    /// The latest value of a scalar, nothing before the first.
    [[nodiscard]] std::optional<double> latest(const std::string& tag) const;
    /// Seconds to the last step at the pace of the latest steps, nothing before it is known.
    [[nodiscard]] std::optional<double> secondsLeft(std::int64_t maxSteps) const;

private:
    RunDirectory m_run;
    RunReplay m_replay;
    std::map<base::Path, std::uint64_t> m_offsets;
    std::map<std::string, double> m_latest;
    std::vector<std::pair<std::int64_t, double>> m_pace; ///< step and wall time of the latest steps
};

} // namespace fairy2::runs
