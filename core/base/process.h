// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"
#include "base/progress.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fairy2::base {

struct ProcessOptions {
    Path workingDirectory;                         ///< empty = that of this process
    std::vector<std::string> environment;          ///< "KEY=VALUE" that replace or join the inherited ones
    std::string input;                             ///< what the child reads on stdin, then end of file
    std::size_t maxOutput = std::size_t{16} << 20; ///< more on stdout is an error and ends the child
    double timeoutSeconds = 0;                     ///< 0 = none; exceeding it is an error
    double graceSeconds = 5;                       ///< between SIGTERM and SIGKILL
    const Cancel* cancel = nullptr;                ///< ends the child and returns Cancelled
    /// Each complete line of stderr as it comes, without its newline (a child's progress).
    std::function<void(std::string_view)> onErrorLine;
};

struct ProcessResult {
    int exitCode = 0; ///< meaningless when signal is not 0
    int signal = 0;   ///< that ended the child, or 0
    std::string output;
    std::string errors; ///< the last 64 KiB of stderr

    [[nodiscard]] bool succeeded() const noexcept { return signal == 0 && exitCode == 0; }
};

/// Runs argv[0] (a path, or a name looked up in PATH) with exactly these arguments, no shell between, and
/// waits. The child leads a process group of its own, which is ended as a whole on cancel, time-out or too
/// much output. A child that fails by itself is a result, not an error; one that cannot start is an error.
[[nodiscard]] Result<ProcessResult> runProcess(const std::vector<std::string>& argv,
                                               const ProcessOptions& options = {});

} // namespace fairy2::base
