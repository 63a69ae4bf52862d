// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <string>
#include <string_view>

namespace fairy2::runs {

/// Why a trainer ended badly, in words for people and fields for programs.
struct ExitReason {
    std::string sentence; ///< "the trainer crashed with SIGSEGV (invalid memory access): first error line"
    base::Json fields;    ///< exit_code | signal, error_line, advice
};

/// `waitStatus` as waitpid gives it; `errorLine` the first line of the trainer's output that told of an
/// error.
[[nodiscard]] ExitReason explainExit(int waitStatus, const std::string& errorLine);

/// Finds that line: the first one that looks like an error, else the last of stderr.
class ErrorLineFinder {
public:
    void take(std::string_view line, bool isStderr);
    [[nodiscard]] const std::string& line() const noexcept { return m_first.empty() ? m_last : m_first; }

private:
    std::string m_first;
    std::string m_last;
};

/// "SIGSEGV" of 11, or "signal 77".
[[nodiscard]] std::string signalName(int signal);

} // namespace fairy2::runs
