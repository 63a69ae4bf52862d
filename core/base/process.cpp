// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include "base/clock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" { // glibc 2.36 forgot this in the header
#include <sys/pidfd.h>
}

namespace fairy2::base {
namespace {

constexpr std::size_t kErrorTail = std::size_t{64} << 10;
constexpr int kPollMilliseconds = 50; // how late a cancel may be seen

class Descriptor {
public:
    explicit Descriptor(int fd = -1) : m_fd(fd) {}
    Descriptor(Descriptor&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(m_fd, other.m_fd);
        return *this;
    }
    ~Descriptor() { close(); }
    void close() {
        if (m_fd >= 0) ::close(std::exchange(m_fd, -1));
    }
    [[nodiscard]] int get() const noexcept { return m_fd; }
    [[nodiscard]] bool isOpen() const noexcept { return m_fd >= 0; }

private:
    int m_fd;
};

struct Pipe {
    Descriptor read;
    Descriptor write;
};

Result<Pipe> makePipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return tl::unexpected(systemError("make a pipe", {}, errno));
    return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::vector<std::string> mergedEnvironment(const std::vector<std::string>& changes) {
    std::map<std::string, std::string> entries;
    const auto put = [&entries](std::string_view entry) {
        entries[std::string(entry.substr(0, entry.find('=')))] = entry;
    };
    for (char** entry = environ; *entry != nullptr; ++entry)
        put(*entry);
    for (const auto& change : changes)
        put(change);
    std::vector<std::string> merged;
    for (auto& [key, entry] : entries)
        merged.push_back(std::move(entry));
    return merged;
}

std::vector<char*> pointersTo(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const auto& text : texts)
        pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

struct SpawnSetup {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    SpawnSetup() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;
    ~SpawnSetup() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
};

// A started child: never left behind as a zombie or alive, whatever path leaves runProcess.
class Child {
public:
    Child(pid_t pid, Descriptor exited) : m_pid(pid), m_exited(std::move(exited)) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (m_status) return;
        ::kill(-m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
    }
    [[nodiscard]] int exitDescriptor() const noexcept { return m_exited.get(); }
    void send(int signal) const { ::kill(-m_pid, signal); }
    [[nodiscard]] bool finished() {
        int status = 0;
        if (!m_status && ::waitpid(m_pid, &status, WNOHANG) == m_pid) m_status = status;
        return m_status.has_value();
    }
    [[nodiscard]] int status() const { return m_status.value_or(0); }

private:
    pid_t m_pid;
    Descriptor m_exited;
    std::optional<int> m_status;
};

Result<pid_t> spawn(const std::vector<std::string>& argv, const ProcessOptions& options, int input,
                    int output, int errors) {
    SpawnSetup setup;
    ::posix_spawn_file_actions_adddup2(&setup.actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&setup.actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&setup.actions, errors, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&setup.actions, STDERR_FILENO + 1);
    if (!options.workingDirectory.empty())
        ::posix_spawn_file_actions_addchdir_np(&setup.actions, options.workingDirectory.c_str());

    // Ignored and blocked signals would be inherited; the child starts with none of ours.
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&setup.attributes, &none);
    ::posix_spawnattr_setsigdefault(&setup.attributes, &all);
    ::posix_spawnattr_setpgroup(&setup.attributes, 0);
    ::posix_spawnattr_setflags(&setup.attributes,
                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

    const auto environment = mergedEnvironment(options.environment);
    pid_t pid = 0;
    const int failure = ::posix_spawnp(&pid, argv.front().c_str(), &setup.actions, &setup.attributes,
                                       pointersTo(argv).data(), pointersTo(environment).data());
    if (failure != 0) return tl::unexpected(systemError("start the program", argv.front(), failure));
    return pid;
}

// Appends what is readable now; false when the other side has closed.
bool readSome(int fd, std::string& into) {
    std::array<char, 16384> buffer;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    into.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
}

// The conversation with one child until it is gone.
class Session {
public:
    Session(Child& child, const ProcessOptions& options, Descriptor input, Descriptor output,
            Descriptor errors)
        : m_child(child), m_options(options), m_input(std::move(input)), m_output(std::move(output)),
          m_errors(std::move(errors)), m_started(steadyTime()) {
        for (const auto* end : {&m_input, &m_output, &m_errors})
            ::fcntl(end->get(), F_SETFL, O_NONBLOCK);
        if (options.input.empty()) m_input.close();
    }

    Result<ProcessResult> run() {
        while (!m_child.finished()) {
            decideToStop();
            exchange(kPollMilliseconds);
        }
        // What the child wrote before it ended is still in the pipes; a grandchild may hold them open.
        while ((m_output.isOpen() || m_errors.isOpen()) && exchange(0))
            if (m_result.output.size() > m_options.maxOutput) break;
        flushErrorLines(true);
        decideToStop();
        if (m_stopReason) return tl::unexpected(*m_stopReason);
        const int status = m_child.status();
        m_result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        m_result.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        return std::move(m_result);
    }

private:
    void decideToStop() {
        const double now = steadyTime();
        if (m_stopReason) {
            if (now > m_killTime) m_child.send(SIGKILL);
            return;
        }
        if (m_options.cancel != nullptr && m_options.cancel->requested())
            m_stopReason = Error{ErrorCode::Cancelled, "cancelled", {}, {}, {}};
        else if (m_options.timeoutSeconds > 0 && now - m_started > m_options.timeoutSeconds &&
                 !m_child.finished())
            m_stopReason =
                Error{ErrorCode::Failed,
                      fmt::format("the program did not end within {:g} s", m_options.timeoutSeconds),
                      {},
                      {},
                      {}};
        else if (m_result.output.size() > m_options.maxOutput)
            m_stopReason =
                Error{ErrorCode::Failed,
                      fmt::format("the program printed more than the {} bytes allowed", m_options.maxOutput),
                      {},
                      {},
                      {}};
        if (!m_stopReason) return;
        m_killTime = now + m_options.graceSeconds;
        m_child.send(SIGTERM);
    }

    // Moves bytes that are ready; false when nothing happened within the time given.
    bool exchange(int milliseconds) {
        // poll() passes over negative descriptors, so closed ends need no special case.
        std::array<pollfd, 4> ends{{{m_output.get(), POLLIN, 0},
                                    {m_errors.get(), POLLIN, 0},
                                    {m_input.get(), POLLOUT, 0},
                                    {m_child.exitDescriptor(), POLLIN, 0}}};
        const std::size_t watched = m_child.finished() ? 2 : ends.size();
        if (::poll(ends.data(), watched, milliseconds) <= 0) return false;
        if (ends[0].revents != 0 && !readSome(m_output.get(), m_result.output)) m_output.close();
        if (ends[1].revents != 0) {
            if (!readSome(m_errors.get(), m_pendingErrors)) m_errors.close();
            flushErrorLines(false);
        }
        if (ends[2].revents != 0) feed();
        // Bytes past the limit are counted once and then dropped while the child is being ended.
        if (m_stopReason) m_result.output.clear();
        return true;
    }

    void feed() {
        const auto left = m_options.input.size() - m_fed;
        const ssize_t sent = ::send(m_input.get(), m_options.input.data() + m_fed, left, MSG_NOSIGNAL);
        if (sent > 0) m_fed += static_cast<std::size_t>(sent);
        const bool failed = sent < 0 && errno != EAGAIN && errno != EINTR;
        if (failed || m_fed == m_options.input.size()) m_input.close();
    }

    void flushErrorLines(bool last) {
        if (last && !m_pendingErrors.empty()) m_pendingErrors += '\n';
        std::size_t start = 0;
        for (auto end = m_pendingErrors.find('\n'); end != std::string::npos;
             end = m_pendingErrors.find('\n', start)) {
            if (m_options.onErrorLine)
                m_options.onErrorLine(std::string_view(m_pendingErrors).substr(start, end - start));
            start = end + 1;
        }
        // A line without end must not grow for ever.
        if (m_pendingErrors.size() - start > kErrorTail) start = m_pendingErrors.size();
        m_result.errors.append(m_pendingErrors, 0, start);
        m_pendingErrors.erase(0, start);
        if (m_result.errors.size() > kErrorTail)
            m_result.errors.erase(0, m_result.errors.size() - kErrorTail);
    }

    Child& m_child;
    const ProcessOptions& m_options;
    Descriptor m_input;
    Descriptor m_output;
    Descriptor m_errors;
    double m_started;
    double m_killTime = 0;
    std::size_t m_fed = 0;
    std::string m_pendingErrors;
    std::optional<Error> m_stopReason;
    ProcessResult m_result;
};

} // namespace

Result<ProcessResult> runProcess(const std::vector<std::string>& argv, const ProcessOptions& options) {
    if (argv.empty() || argv.front().empty()) return fail(ErrorCode::Usage, "no program to run was given");
    // stdin is a socket pair: writing to a child that has gone then fails with EPIPE and raises no SIGPIPE.
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return tl::unexpected(systemError("make a socket pair", {}, errno));
    Pipe input{Descriptor(ends[0]), Descriptor(ends[1])};
    FAIRY2_ASSIGN(auto output, makePipe());
    FAIRY2_ASSIGN(auto errors, makePipe());
    FAIRY2_ASSIGN(const pid_t pid,
                  spawn(argv, options, input.read.get(), output.write.get(), errors.write.get()));
    Child child(pid, Descriptor(::pidfd_open(pid, 0)));
    input.read.close();
    output.write.close();
    errors.write.close();
    Session session(child, options, std::move(input.write), std::move(output.read), std::move(errors.read));
    return session.run();
}

} // namespace fairy2::base
