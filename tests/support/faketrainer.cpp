// SPDX-License-Identifier: Apache-2.0
// Stands in for fairy2-trainer: does what the configuration's run.name tells it, so that the whole life of a
// run can be tested without LibTorch. Words: steps=N, save=N, wait=MS (a step), crash=SIGNAL at=STEP,
// exit=CODE, hang, deaf (ignores SIGTERM), say=TEXT (on stderr), child (leaves a process behind), slow=MS
// (before the first step).
#include "runs/rundirectory.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>
#include <unistd.h>

using namespace fairy2;

namespace {

volatile std::sig_atomic_t g_stop = 0;

void sleepMilliseconds(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

bool save(const runs::RunDirectory& run, runs::RunLogWriter& log, int step) {
    const auto name = "step-" + std::to_string(step);
    const auto folder = run.checkpointDirectory() / name;
    const base::Path temporary = folder.string() + ".tmp-1";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(temporary);
    std::ofstream(temporary / "model.safetensors") << "weights of step " << step;
    const auto hash = runs::writeManifest(temporary, {{"step", step}});
    std::filesystem::rename(temporary, folder);
    return hash &&
           log.document(
               step,
               {{"type", "checkpoint"}, {"step", step}, {"path", "checkpoints/" + name}, {"sha256", *hash}},
               true);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3 || std::string(argv[1]) != "run") return 2;
    const bool resume = argc > 3 && std::string(argv[3]) == "--resume";
    const auto run = runs::RunDirectory::open(argv[2]);
    if (!run) return 3;
    std::map<std::string, std::string> words;
    std::istringstream script(run->config().value(base::Json::json_pointer("/run/name"), std::string()));
    for (std::string word; script >> word;)
        words[word.substr(0, word.find('='))] =
            word.find('=') == std::string::npos ? "1" : word.substr(word.find('=') + 1);
    const auto number = [&](const char* key, int fallback) {
        return words.count(key) != 0 ? std::atoi(words[key].c_str()) : fallback;
    };

    std::signal(
        SIGTERM, words.count("deaf") != 0 ? SIG_IGN : +[](int) { g_stop = 1; });
    if (words.count("child") != 0 && ::fork() == 0)
        for (;;)
            ::pause();
    std::printf("fake trainer, pid %d\n", ::getpid());
    std::fflush(stdout);
    if (words.count("say") != 0) std::fprintf(stderr, "%s\n", words["say"].c_str());
    sleepMilliseconds(number("slow", 0));

    auto log = runs::RunLogWriter::create(run->logDirectory(), "trainer");
    if (!log) return 1;
    int step = 0;
    if (const auto latest = run->latestCheckpoint(); resume && latest) step = static_cast<int>(latest->step);
    const int steps = number("steps", 5);
    const bool ignoresOnResume = resume; // crashes once, then goes well
    while (step < steps && g_stop == 0) {
        ++step;
        sleepMilliseconds(number("wait", 10));
        if (!log->scalars(step, {{"loss", 5.0 / step}, {"grad_norm", 1.0}, {"tokens_per_second", 1000.0}}))
            return 1;
        if (number("save", 0) > 0 && step % number("save", 0) == 0 && !save(*run, *log, step)) return 1;
        if (!ignoresOnResume && words.count("crash") != 0 && step == number("at", 1)) {
            ::signal(number("crash", SIGSEGV), SIG_DFL);
            ::raise(number("crash", SIGSEGV));
        }
        if (!ignoresOnResume && words.count("exit") != 0 && step == number("at", 1)) return number("exit", 1);
        while (words.count("hang") != 0 && !ignoresOnResume && g_stop == 0)
            sleepMilliseconds(10);
    }
    return save(*run, *log, step) ? 0 : 1;
}
