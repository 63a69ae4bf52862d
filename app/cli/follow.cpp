// SPDX-License-Identifier: Apache-2.0
#include "follow.h"

#include "base/clock.h"
#include "runs/launcher.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <thread>
#include <unistd.h>

namespace fairy2::cli {
namespace {

constexpr int kPollMilliseconds = 200;
constexpr double kQuietSeconds = 10; // between lines where no terminal is

std::string progressLine(const runs::RunTail& tail, const runs::RunSummary& summary) {
    if (summary.step == 0) return fmt::format("{}  reading the model", runs::name(summary.state));
    auto line = fmt::format("step {}/{}", summary.step, summary.maxSteps);
    const auto add = [&](const char* tag, const char* format) {
        if (const auto value = tail.latest(tag)) line += "  " + fmt::format(fmt::runtime(format), *value);
    };
    add("loss", "loss {:.4f}");
    add("val_loss", "validation {:.4f}");
    add("tokens_per_second", "{:.0f} tok/s");
    if (const auto flips = tail.latest("flip_rate")) line += fmt::format("  flips {:.3f} %", *flips * 100);
    if (summary.state == runs::RunState::Stopping) return line + "  stopping, saves a checkpoint";
    if (const auto left = tail.secondsLeft(summary.maxSteps); left && summary.step < summary.maxSteps)
        line += fmt::format("  {} left", durationText(*left));
    return line;
}

// One line on a terminal that is written over, or lines now and then.
class Ticker {
public:
    void show(const std::string& line) {
        if (line == m_last) return;
        const double now = base::steadyTime();
        if (!m_terminal && now - m_shown < kQuietSeconds) return;
        m_shown = now;
        m_last = line;
        fmt::print(stderr, "{}{}{}", m_terminal ? "\r\033[K" : "", line, m_terminal ? "" : "\n");
        std::fflush(stderr);
        m_open = m_terminal;
    }
    void say(const std::string& line) {
        fmt::print(stderr, "{}{}\n", m_open ? "\r\033[K" : "", line);
        m_open = false;
        m_last.clear();
    }
    ~Ticker() {
        if (m_open) fmt::print(stderr, "\n");
    }

private:
    bool m_terminal = ::isatty(STDERR_FILENO) != 0;
    bool m_open = false;
    double m_shown = -kQuietSeconds;
    std::string m_last;
};

} // namespace

std::string durationText(double seconds) {
    const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    if (whole < 48 * 3600) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
    return fmt::format("{} days {} h", whole / 86400, whole % 86400 / 3600);
}

base::Result<runs::RunSummary> follow(const runs::RunDirectory& run, const base::Task& task,
                                      bool stopsOnCancel) {
    runs::RunTail tail(run);
    Ticker ticker;
    bool hasAsked = false;
    for (;;) {
        FAIRY2_TRY(tail.poll());
        FAIRY2_ASSIGN(auto summary, tail.summary());
        if (runs::isFinal(summary.state)) {
            ticker.show(progressLine(tail, summary));
            return summary;
        }
        ticker.show(progressLine(tail, summary));
        if (task.cancelled() && !stopsOnCancel) return base::cancelled();
        if (task.cancelled() && !hasAsked) {
            hasAsked = true;
            ticker.say("saving a checkpoint and stopping (Ctrl-C again leaves the run to itself)");
            FAIRY2_TRY(runs::stop(run));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(kPollMilliseconds));
    }
}

base::Json runDocument(const runs::RunSummary& summary, const std::optional<double>& loss) {
    base::Json document = {{"run", summary.uuid},
                           {"dir", summary.directory.string()},
                           {"state", runs::name(summary.state)},
                           {"reason", summary.reason},
                           {"step", summary.step},
                           {"final_loss", nullptr},
                           {"checkpoint", nullptr}};
    if (loss && std::isfinite(*loss)) document["final_loss"] = *loss;
    if (!summary.checkpoints.empty()) document["checkpoint"] = summary.checkpoints.back().path.string();
    return document;
}

base::Result<Outcome> followToEnd(const runs::RunDirectory& run, const base::Task& task) {
    FAIRY2_ASSIGN(const auto summary, follow(run, task, true));
    FAIRY2_ASSIGN(const auto losses, run.metric("loss"));
    const auto loss = losses.empty() ? std::nullopt : std::optional<double>(losses.back().second);
    Outcome outcome;
    outcome.document = runDocument(summary, loss);
    outcome.text = fmt::format("{} {}{}\n", runs::name(summary.state), summary.uuid.substr(0, 8),
                               summary.reason.empty() ? "" : ": " + summary.reason);
    if (loss) outcome.text += fmt::format("loss        {:.5f} at step {}\n", *loss, losses.back().first);
    if (!summary.checkpoints.empty())
        outcome.text += fmt::format("checkpoint  {}\n", summary.checkpoints.back().path.string());
    outcome.text += fmt::format("folder      {}\n", summary.directory.string());
    switch (summary.state) {
    case runs::RunState::Finished:
        break;
    case runs::RunState::Cancelled:
        outcome.exitCode = base::exitCode(base::ErrorCode::Cancelled);
        break;
    default:
        outcome.exitCode = 1;
        outcome.document["error"] = base::Error{base::ErrorCode::Failed,
                                                summary.reason,
                                                (run.path() / "console.log").string(),
                                                {},
                                                "fairy2 runs resume " + summary.uuid.substr(0, 8)}
                                        .toJson();
    }
    return outcome;
}

} // namespace fairy2::cli
