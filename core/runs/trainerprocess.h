// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace fairy2::runs {

/// The trainer as a child of the supervisor: its process group, its two streams. It dies with the supervisor
/// (PDEATHSIG), so the thread that starts it must live as long as the supervisor does.
class TrainerProcess {
public:
    /// `fairy2-trainer run DIR [--resume]`; the program is FAIRY2_TRAINER where that is set.
    [[nodiscard]] static base::Result<TrainerProcess> start(const base::Path& run, bool resume);
    /// Where that program is.
    [[nodiscard]] static base::Result<base::Path> program();
    TrainerProcess(TrainerProcess&& other) noexcept;
    TrainerProcess& operator=(TrainerProcess&&) = delete;
    ~TrainerProcess(); ///< kills what still runs

    [[nodiscard]] pid_t pid() const noexcept { return m_pid; }
    /// Descriptors of stdout and stderr; −1 once they have ended.
    [[nodiscard]] const std::array<int, 2>& streams() const noexcept { return m_streams; }
    /// What can be read now from a stream, or nothing when it has ended (it is closed then).
    [[nodiscard]] std::optional<std::string> readSome(std::size_t stream);
    void signalGroup(int signal) const;
    /// The wait status once the process has ended.
    [[nodiscard]] std::optional<int> ended();

private:
    TrainerProcess(pid_t pid, std::array<int, 2> streams) : m_pid(pid), m_streams(streams) {}
    pid_t m_pid = -1;
    std::array<int, 2> m_streams{-1, -1};
    std::optional<int> m_status;
};

} // namespace fairy2::runs
