// SPDX-License-Identifier: Apache-2.0
#include "runs/exitreason.h"

#include "base/printable.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <sys/wait.h>

namespace fairy2::runs {
namespace {

constexpr std::size_t kLineBytes = 400;

std::string lowered(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    return result;
}

bool hasAny(const std::string& text, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](const char* word) { return text.find(word) != std::string::npos; });
}

// Causes that are known, with what helps.
std::string adviceFor(int signal, const std::string& errorLine) {
    const auto line = lowered(errorLine);
    if (hasAny(line, {"cuda out of memory", "outofmemoryerror", "cublas_status_alloc_failed"}))
        return "the GPU's memory is full: lower training.micro_batch_size and raise "
               "training.gradient_accumulation";
    if (hasAny(line, {"bad_alloc", "cannot allocate memory", "not enough memory"}))
        return "the memory is full: lower training.micro_batch_size and raise training.gradient_accumulation";
    if (hasAny(line, {"no space left", "disk quota"}))
        return "free some space on the disk of the run and resume";
    if (hasAny(line, {"nccl", "watchdog"}) && hasAny(line, {"timeout", "timed out"}))
        return "a rank did not answer in time: look at the log of each rank, then resume";
    if (signal == SIGKILL)
        return "the kernel may have killed it for lack of memory (see dmesg): lower "
               "training.micro_batch_size, then "
               "resume";
    if (signal == SIGILL) return "this processor lacks an instruction that the trainer uses";
    return {};
}

const char* meaning(int signal) {
    switch (signal) {
    case SIGSEGV:
    case SIGBUS:
        return " (invalid memory access)";
    case SIGABRT:
        return " (it gave up)";
    case SIGFPE:
        return " (arithmetic error)";
    case SIGILL:
        return " (illegal instruction)";
    case SIGKILL:
        return " (killed)";
    default:
        return "";
    }
}

} // namespace

std::string signalName(int signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    return abbreviation == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", abbreviation);
}

void ErrorLineFinder::take(std::string_view line, bool isStderr) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    const auto text = base::printable(line, kLineBytes);
    if (isStderr) m_last = text;
    if (!m_first.empty()) return;
    const auto low = lowered(text);
    const bool tells = hasAny(low, {"error", "exception", "terminate called", "out of memory", "assertion",
                                    "fatal", "no space left", "cannot ", "traceback"}) ||
                       low.starts_with("fairy2-trainer:");
    if (tells) m_first = text;
}

ExitReason explainExit(int waitStatus, const std::string& errorLine) {
    ExitReason reason;
    reason.fields = base::Json::object();
    int signal = 0;
    if (WIFSIGNALED(waitStatus)) {
        signal = WTERMSIG(waitStatus);
        reason.fields["signal"] = signalName(signal);
        reason.sentence = fmt::format("the trainer was ended by {}{}", signalName(signal), meaning(signal));
    } else {
        reason.fields["exit_code"] = WEXITSTATUS(waitStatus);
        reason.sentence = fmt::format("the trainer ended with exit code {}", WEXITSTATUS(waitStatus));
    }
    if (!errorLine.empty()) {
        reason.fields["error_line"] = errorLine;
        reason.sentence += ": " + errorLine;
    }
    if (const auto advice = adviceFor(signal, errorLine); !advice.empty()) {
        reason.fields["advice"] = advice;
        reason.sentence += fmt::format(" ({})", advice);
    }
    return reason;
}

} // namespace fairy2::runs
