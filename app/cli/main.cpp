// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/paths.h"
#include "verbs.h"

#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace fairy2::cli {
namespace {

base::Cancel g_cancel;

extern "C" void onInterrupt(int signal) {
    g_cancel.request();
    std::signal(signal, SIG_DFL); // the second Ctrl-C ends the program at once
}

// A bar that rewrites its own line, ten times a second at most, and only where somebody can see it.
void reportOnTerminal(std::int64_t done, std::int64_t total, const std::string& what) {
    static double started = base::steadyTime();
    static double shown = 0;
    static bool open = false;
    const double now = base::steadyTime();
    const bool last = total > 0 && done >= total;
    if (!last && now - shown < 0.1) return;
    if (!open) started = now;
    shown = now;
    open = !last;
    std::string eta;
    if (done > 0 && total > done && now - started > 1)
        eta = fmt::format("  {:.0f} s left",
                          (now - started) / static_cast<double>(done) * static_cast<double>(total - done));
    const double percent = total > 0 ? 100.0 * static_cast<double>(done) / static_cast<double>(total) : 0;
    fmt::print(stderr, "\r\033[K{:5.1f} %  {}{}{}", percent, what, eta, last ? "\n" : "");
    std::fflush(stderr);
}

int report(const base::Error& error, bool json) {
    if (json) fmt::print("{}\n", base::Json{{"error", error.toJson()}}.dump(2));
    if (!json && error.code != base::ErrorCode::Cancelled)
        fmt::print(stderr, "fairy2: {}\n", error.sentence());
    return base::exitCode(error.code);
}

int run(int argc, char** argv) {
    CLI::App program{"Fairy2: language models in 1 and 2 bits per weight", "fairy2"};
    program.set_version_flag("--version", std::string("fairy2 ") + base::version());
    program.require_subcommand(1);
    program.fallthrough(false);

    Invocation invocation;
    invocation.task.cancel = &g_cancel;
    if (::isatty(STDERR_FILENO) != 0) invocation.task.report = reportOnTerminal;
    for (int i = 0; i < argc; ++i) {
        if (i > 0) invocation.commandLine += ' ';
        invocation.commandLine += i == 0 ? "fairy2" : argv[i];
    }
    for (const auto add : verbs())
        add(program, invocation);

    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return program.exit(error);
        // The parser failed, so the flag is looked for by hand.
        bool json = false;
        for (int i = 1; i < argc; ++i)
            json = json || std::string_view(argv[i]) == "--json";
        return report({base::ErrorCode::Usage, error.what(), {}, {}, "see fairy2 --help"}, json);
    }

    std::signal(SIGINT, onInterrupt);
    std::signal(SIGTERM, onInterrupt);
    std::signal(SIGPIPE, SIG_IGN);
    const auto outcome = invocation.run();
    if (!outcome) return report(outcome.error(), invocation.json);
    if (invocation.json)
        fmt::print("{}\n", outcome->document.dump(2, ' ', false, base::Json::error_handler_t::replace));
    else if (!outcome->text.empty())
        fmt::print("{}{}", outcome->text, outcome->text.back() == '\n' ? "" : "\n");
    return outcome->exitCode;
}

} // namespace

CLI::App* declareVerb(CLI::App& parent, Invocation& invocation, const std::string& name,
                      const std::string& help, const std::string& example) {
    CLI::App* verb = parent.add_subcommand(name, help);
    verb->add_flag("--json", invocation.json, "print one JSON document");
    verb->footer("Example:\n  " + example);
    return verb;
}

} // namespace fairy2::cli

int main(int argc, char** argv) {
    return fairy2::cli::run(argc, argv);
}
