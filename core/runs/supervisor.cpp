// SPDX-License-Identifier: Apache-2.0
#include "runs/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/printable.h"
#include "runs/exitreason.h"
#include "runs/runreplay.h"
#include "runs/supervisorfile.h"
#include "runs/trainerprocess.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <poll.h>
#include <set>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fairy2::runs {
namespace {

constexpr double kGraceSeconds = 25; // Slurm and torchelastic kill after 30
constexpr double kDrainSeconds = 2;  // for output of grandchildren that keep the pipes open
constexpr int kTickMilliseconds = 200;
constexpr std::size_t kLineBytes = 4096; // of one line in the run log; console.log has all of it
constexpr int kMaxLines = 20'000;        // in the run log, per supervisor
constexpr std::int64_t kMaxConsole = std::int64_t{256} << 20;

double graceSeconds() {
    const char* wish = std::getenv("FAIRY2_STOP_SECONDS");
    const double seconds = wish == nullptr ? 0 : std::atof(wish);
    return seconds > 0 ? seconds : kGraceSeconds;
}

// Cuts a stream into lines; a carriage return ends one too (progress bars).
class LineCutter {
public:
    template <typename Take>
    void feed(std::string_view bytes, const Take& take) {
        for (const char c : bytes) {
            if (c != '\n' && c != '\r') m_line += c;
            if ((c == '\n' || c == '\r' || m_line.size() >= kLineBytes) && !m_line.empty()) flush(take);
        }
    }
    template <typename Take>
    void flush(const Take& take) {
        if (!m_line.empty()) take(std::exchange(m_line, {}));
    }

private:
    std::string m_line;
};

class Supervisor {
public:
    Supervisor(RunDirectory run, base::FileLock lock, RunLogWriter log, std::int64_t sequence, bool resume)
        : m_run(std::move(run)), m_lock(std::move(lock)), m_log(std::move(log)), m_sequence(sequence),
          m_resume(resume) {}
    Supervisor(Supervisor&&) = default;
    ~Supervisor() {
        if (m_console >= 0) ::close(m_console);
        if (m_signals >= 0) ::close(m_signals);
    }

    // Takes the run: nobody else supervises it, and it says that it is starting.
    static base::Result<Supervisor> take(const base::Path& directory, bool resume) {
        FAIRY2_ASSIGN(auto run, RunDirectory::open(directory));
        auto lock = base::FileLock::tryLock(directory / "supervisor.lock");
        if (!lock)
            return base::fail(base::ErrorCode::Failed, "the run has a supervisor already",
                              directory.string());
        FAIRY2_ASSIGN(const auto before, replayLog(run.logDirectory()));
        FAIRY2_ASSIGN(auto log, RunLogWriter::create(run.logDirectory(), "supervisor"));
        FAIRY2_TRY(writeSupervisorFile(directory, run.uuid()));
        Supervisor supervisor(std::move(run), std::move(*lock), std::move(log), before.stateSequence + 1,
                              resume);
        if (auto said = supervisor.enter(RunState::Starting); !said) {
            removeSupervisorFile(directory);
            return tl::unexpected(std::move(said).error());
        }
        return supervisor;
    }

    int run() {
        watchSignals();
        m_console =
            ::open((m_run.path() / "console.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        const auto logs = logFiles(m_run.logDirectory());
        m_oldLogs.insert(logs.begin(), logs.end());
        auto started = TrainerProcess::start(m_run.path(), m_resume);
        if (!started) return end(RunState::Failed, started.error().sentence(), {});
        TrainerProcess trainer = std::move(*started);
        for (;;) {
            waitForEvents(trainer);
            readSignals(trainer);
            readOutput(trainer);
            if (trainer.ended()) break;
            noticeFirstStep();
            killWhenLate(trainer);
        }
        drain(trainer);
        return conclude(*trainer.ended());
    }

private:
    // On disk before it is acted on.
    base::Result<void> enter(RunState state, const std::string& reason = {},
                             const base::Json& more = base::Json::object()) {
        auto written = m_log.document(0, stateDocument(state, m_sequence, reason, more), true);
        if (!written) base::log(base::LogLevel::Error, written.error().sentence());
        ++m_sequence;
        m_state = state;
        return written;
    }

    void watchSignals() {
        sigset_t watched;
        ::sigemptyset(&watched);
        for (const int signal : {SIGTERM, SIGINT, SIGCHLD})
            ::sigaddset(&watched, signal);
        ::sigprocmask(SIG_BLOCK, &watched, nullptr);
        ::signal(SIGHUP, SIG_IGN);
        ::signal(SIGPIPE, SIG_IGN);
        m_signals = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    }

    void waitForEvents(const TrainerProcess& trainer) const {
        std::array<pollfd, 3> watched{
            {{m_signals, POLLIN, 0}, {trainer.streams()[0], POLLIN, 0}, {trainer.streams()[1], POLLIN, 0}}};
        ::poll(watched.data(), watched.size(), kTickMilliseconds);
    }

    void readSignals(const TrainerProcess& trainer) {
        signalfd_siginfo info{};
        while (::read(m_signals, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo == SIGCHLD) continue;
            if (m_stopAt == 0) {
                m_stopAt = base::steadyTime() + graceSeconds();
                static_cast<void>(enter(RunState::Stopping));
            }
            trainer.signalGroup(SIGTERM); // the second one tells the trainer not to save
        }
    }

    void killWhenLate(const TrainerProcess& trainer) {
        if (m_stopAt == 0 || m_killed || base::steadyTime() < m_stopAt) return;
        m_killed = true;
        trainer.signalGroup(SIGKILL);
    }

    void readOutput(TrainerProcess& trainer) {
        for (std::size_t stream = 0; stream < 2; ++stream) {
            const auto bytes = trainer.readSome(stream);
            if (!bytes || bytes->empty()) continue;
            keepConsole(*bytes);
            m_cutters[stream].feed(*bytes, [&](const std::string& line) { keepLine(line, stream); });
        }
    }

    void keepConsole(const std::string& bytes) {
        if (m_console < 0 || m_consoleBytes > kMaxConsole) return;
        m_consoleBytes += static_cast<std::int64_t>(bytes.size());
        const auto written = ::write(m_console, bytes.data(), bytes.size());
        static_cast<void>(written); // a full disk must not end the run
    }

    void keepLine(const std::string& line, std::size_t stream) {
        m_errors.take(line, stream == 1);
        if (++m_lines > kMaxLines) return;
        const auto text =
            m_lines == kMaxLines ? std::string("… more in console.log") : base::printable(line, kLineBytes);
        static_cast<void>(m_log.document(
            0, {{"type", "line"}, {"stream", stream == 1 ? "stderr" : "stdout"}, {"text", text}}));
    }

    // Running is what has made a step; until then the model is read and built.
    void noticeFirstStep() {
        if (m_state != RunState::Starting) return;
        for (const auto& file : logFiles(m_run.logDirectory())) {
            if (m_oldLogs.contains(file)) continue;
            const auto chunk = readLog(file, m_seen[file]);
            if (!chunk) continue;
            m_seen[file] = chunk->offset;
            const bool stepped = std::any_of(chunk->records.begin(), chunk->records.end(),
                                             [](const LogRecord& record) { return !record.scalars.empty(); });
            if (stepped) {
                static_cast<void>(enter(RunState::Running));
                return;
            }
        }
    }

    void drain(TrainerProcess& trainer) {
        const double until = base::steadyTime() + kDrainSeconds;
        while ((trainer.streams()[0] >= 0 || trainer.streams()[1] >= 0) && base::steadyTime() < until) {
            waitForEvents(trainer);
            readOutput(trainer);
        }
        trainer.signalGroup(SIGKILL); // whatever the trainer left behind
        for (std::size_t stream = 0; stream < 2; ++stream)
            m_cutters[stream].flush([&](const std::string& line) { keepLine(line, stream); });
    }

    int conclude(int status) {
        const bool wasAsked = m_stopAt != 0;
        const bool isClean =
            WIFEXITED(status) && (WEXITSTATUS(status) == 0 || (wasAsked && WEXITSTATUS(status) == 130));
        const bool wasStopped = wasAsked && WIFSIGNALED(status) && (m_killed || WTERMSIG(status) == SIGTERM);
        if (!isClean && !wasStopped) {
            const auto why = explainExit(status, m_errors.line());
            return end(RunState::Failed, why.sentence, why.fields);
        }
        const auto summary = m_run.summary();
        const auto last = summary && !summary->checkpoints.empty() ? summary->checkpoints.back().step : 0;
        if (!wasAsked || (last > 0 && last >= summary->maxSteps)) return end(RunState::Finished, {}, {});
        std::string reason = "stopped on request";
        if (m_killed)
            reason +=
                fmt::format("; the trainer had not saved within {:.0f} s and was killed", graceSeconds());
        reason += last > 0 ? fmt::format(", checkpoint at step {}", last) : ", no checkpoint";
        return end(RunState::Cancelled, reason, {});
    }

    int end(RunState state, const std::string& reason, const base::Json& more) {
        static_cast<void>(enter(state, reason, more.is_object() ? more : base::Json::object()));
        removeSupervisorFile(m_run.path());
        return state == RunState::Failed ? 1 : 0;
    }

    RunDirectory m_run;
    base::FileLock m_lock;
    RunLogWriter m_log;
    std::int64_t m_sequence;
    bool m_resume;
    RunState m_state = RunState::Queued;
    int m_signals = -1;
    int m_console = -1;
    std::int64_t m_consoleBytes = 0;
    double m_stopAt = 0; // when the trainer is killed, once a stop was asked for
    bool m_killed = false;
    int m_lines = 0;
    std::array<LineCutter, 2> m_cutters;
    ErrorLineFinder m_errors;
    std::set<base::Path> m_oldLogs; // of earlier attempts, and our own
    std::map<base::Path, std::uint64_t> m_seen;
};

void redirect(int from, int to) {
    ::dup2(from, to);
    if (from > 2) ::close(from);
}

} // namespace

int supervise(const base::Path& directory, bool resume,
              const std::function<void(const base::Result<void>&)>& started) {
    auto supervisor = Supervisor::take(directory, resume);
    if (!supervisor) {
        if (started)
            started(tl::unexpected(supervisor.error()));
        else
            base::log(base::LogLevel::Error, supervisor.error().sentence());
        return base::exitCode(supervisor.error().code);
    }
    if (started) started({});
    return supervisor->run();
}

int superviseDetached(const base::Path& directory, bool resume) {
    std::array<int, 2> ready{-1, -1};
    if (::pipe2(ready.data(), O_CLOEXEC) != 0) return 1;
    const pid_t child = ::fork();
    if (child < 0) return 1;
    if (child > 0) {
        ::close(ready[1]);
        // "+" means taken; anything else is why not.
        std::string answer;
        char buffer[512];
        for (ssize_t got = 0; (got = ::read(ready[0], buffer, sizeof buffer)) > 0;)
            answer.append(buffer, static_cast<std::size_t>(got));
        if (answer == "+") return 0;
        fmt::print(stderr, "{}\n", answer.empty() ? "the supervisor ended at once" : answer);
        return 1;
    }
    ::close(ready[0]);
    ::setsid();
    redirect(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    const int log = ::open((directory / "supervisor.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (log >= 0) {
        ::dup2(log, STDOUT_FILENO);
        redirect(log, STDERR_FILENO);
    }
    return supervise(directory, resume, [&ready](const base::Result<void>& taken) {
        const std::string answer = taken ? "+" : taken.error().sentence();
        const auto written = ::write(ready[1], answer.data(), answer.size());
        static_cast<void>(written);
        ::close(ready[1]);
    });
}

} // namespace fairy2::runs
