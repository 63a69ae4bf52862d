// SPDX-License-Identifier: Apache-2.0
#include "runs/trainerprocess.h"

#include "base/paths.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace fairy2::runs {
namespace {

void closeAll(std::initializer_list<int> descriptors) {
    for (const int fd : descriptors)
        if (fd >= 0) ::close(fd);
}

// The supervisor runs with one OpenBLAS thread; the trainer gets back what the user had.
std::vector<std::string> trainerEnvironment() {
    std::vector<std::string> result;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (!text.starts_with("OPENBLAS_NUM_THREADS=") && !text.starts_with("FAIRY2_OPENBLAS_NUM_THREADS="))
            result.emplace_back(text);
    }
    if (const char* wish = std::getenv("FAIRY2_OPENBLAS_NUM_THREADS"); wish != nullptr && *wish != '\0')
        result.push_back(std::string("OPENBLAS_NUM_THREADS=") + wish);
    return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (auto& text : texts)
        result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// Between fork and exec: only calls that are safe there.
[[noreturn]] void becomeTrainer(pid_t supervisor, const std::array<int, 2>& ends, char* const* arguments,
                                char* const* environment) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != supervisor) ::_exit(127); // it died before the line above
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(ends[0], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::execve(arguments[0], arguments, environment);
    constexpr char kMessage[] = "error: the trainer could not be started\n";
    const auto ignored = ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
    static_cast<void>(ignored);
    ::_exit(127);
}

} // namespace

base::Result<base::Path> TrainerProcess::program() {
    if (const char* chosen = std::getenv("FAIRY2_TRAINER"); chosen != nullptr && *chosen != '\0') {
        if (::access(chosen, X_OK) == 0) return base::Path(chosen);
        return base::fail(base::ErrorCode::NotFound, "FAIRY2_TRAINER names no program that can be run",
                          chosen);
    }
    return base::findProgram("fairy2-trainer");
}

base::Result<TrainerProcess> TrainerProcess::start(const base::Path& run, bool resume) {
    FAIRY2_ASSIGN(const auto program, TrainerProcess::program());
    std::vector<std::string> arguments = {program.string(), "run", run.string()};
    if (resume) arguments.emplace_back("--resume");
    auto environment = trainerEnvironment();
    const auto argumentPointers = pointers(arguments);
    const auto environmentPointers = pointers(environment);

    std::array<int, 2> output{-1, -1};
    std::array<int, 2> errors{-1, -1};
    if (::pipe2(output.data(), O_CLOEXEC) != 0 || ::pipe2(errors.data(), O_CLOEXEC) != 0) {
        const int reason = errno;
        closeAll({output[0], output[1]});
        return tl::unexpected(base::systemError("make a pipe for", program, reason));
    }
    const pid_t supervisor = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0)
        becomeTrainer(supervisor, {output[1], errors[1]}, argumentPointers.data(),
                      environmentPointers.data());
    const int reason = errno;
    closeAll({output[1], errors[1]});
    if (pid < 0) {
        closeAll({output[0], errors[0]});
        return tl::unexpected(base::systemError("start", program, reason));
    }
    ::setpgid(pid, pid); // also here: the first signal may come before the child has run
    for (const int fd : {output[0], errors[0]})
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return TrainerProcess(pid, {output[0], errors[0]});
}

TrainerProcess::TrainerProcess(TrainerProcess&& other) noexcept
    : m_pid(std::exchange(other.m_pid, -1)), m_streams(std::exchange(other.m_streams, {-1, -1})),
      m_status(other.m_status) {}

TrainerProcess::~TrainerProcess() {
    closeAll({m_streams[0], m_streams[1]});
    if (m_pid <= 0 || m_status) return;
    signalGroup(SIGKILL);
    ::waitpid(m_pid, nullptr, 0);
}

std::optional<std::string> TrainerProcess::readSome(std::size_t stream) {
    int& fd = m_streams[stream];
    if (fd < 0) return {};
    std::string bytes(std::size_t{64} << 10, '\0');
    const auto got = ::read(fd, bytes.data(), bytes.size());
    if (got > 0) {
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::string();
    ::close(std::exchange(fd, -1));
    return {};
}

void TrainerProcess::signalGroup(int signal) const {
    if (m_pid > 0) ::kill(-m_pid, signal);
}

std::optional<int> TrainerProcess::ended() {
    int status = 0;
    if (!m_status && ::waitpid(m_pid, &status, WNOHANG) == m_pid) m_status = status;
    return m_status;
}

} // namespace fairy2::runs
