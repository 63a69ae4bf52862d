// SPDX-License-Identifier: Apache-2.0
#include "runs/launcher.h"

#include "base/clock.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/uuid.h"
#include "config/runspec.h"
#include "data/tokenrows.h"
#include "models/checkpoint.h"
#include "models/location.h"
#include "models/modelfolder.h"
#include "runs/registry.h"
#include "runs/runreplay.h"
#include "runs/supervisorfile.h"
#include "runs/trainerprocess.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace fairy2::runs {
namespace {

constexpr double kStartSeconds = 60;

base::Error within(base::Error error, const std::string& field) {
    if (error.field.empty()) error.field = field;
    return error;
}

// The vocabulary of the model, so that ids can be checked against it. A model with random weights is its
// config.json.
base::Result<std::int64_t> openModel(const config::RunSpec& spec) {
    if (spec.modelInit == "random") {
        FAIRY2_ASSIGN(const auto location, models::locateModel(spec.modelPath));
        FAIRY2_ASSIGN(const auto folder, models::readModelFolder(location.folder));
        return folder.spec.vocabSize;
    }
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(spec.modelPath));
    if (checkpoint->kind() == models::CheckpointKind::Packed ||
        checkpoint->kind() == models::CheckpointKind::Baked)
        return base::badInput(fmt::format("a {} checkpoint is quantised already and cannot be trained",
                                          models::name(checkpoint->kind())),
                              checkpoint->path().string(), "model.path", "train its master checkpoint");
    return checkpoint->spec().vocabSize;
}

base::Result<void> check(const config::RunSpec& spec) {
    auto vocabulary = openModel(spec);
    if (!vocabulary) return tl::unexpected(within(vocabulary.error(), "model.path"));
    const auto checkRows = [&](const std::string& file, const std::string& key,
                               const char* field) -> base::Result<void> {
        const auto rows = data::TokenRows::open(file, key, *vocabulary);
        if (!rows) return tl::unexpected(within(rows.error(), field));
        if (rows->rows() == 0) return base::badInput("there are no rows in this file", file, field);
        return {};
    };
    FAIRY2_TRY(checkRows(spec.tokens, spec.tokensKey, "data.tokens"));
    if (!spec.validation.empty())
        FAIRY2_TRY(checkRows(spec.validation, spec.validationKey, "data.validation"));
    return TrainerProcess::program().map([](const base::Path&) {});
}

base::Path chooseDirectory(const config::RunSpec& spec) {
    if (!spec.runDir.empty()) return spec.runDir;
    const auto now = static_cast<std::time_t>(base::wallTime());
    return base::homeDirectory() / "runs" /
           fmt::format("{:%Y%m%d-%H%M%S}-{}", fmt::gmtime(now), base::newUuid().substr(0, 4));
}

std::vector<std::string> supervisorEnvironment() {
    const char* threads = std::getenv("OPENBLAS_NUM_THREADS");
    return {std::string("FAIRY2_OPENBLAS_NUM_THREADS=") + (threads == nullptr ? "" : threads),
            "OPENBLAS_NUM_THREADS=1"};
}

base::Result<void> startSupervisor(const RunDirectory& run, bool resume) {
    FAIRY2_ASSIGN(const auto program, base::findProgram("fairy2"));
    std::vector<std::string> arguments = {program.string(), "supervise", run.path().string(), "--detach"};
    if (resume) arguments.emplace_back("--resume");
    base::ProcessOptions options;
    options.environment = supervisorEnvironment();
    options.timeoutSeconds = kStartSeconds;
    FAIRY2_ASSIGN(const auto result, base::runProcess(arguments, options));
    if (result.succeeded()) return {};
    auto why = result.errors;
    while (!why.empty() && (why.back() == '\n' || why.back() == '\r'))
        why.pop_back();
    return base::fail(base::ErrorCode::Failed,
                      "the supervisor did not start: " + (why.empty() ? "no reason given" : why),
                      run.path().string());
}

} // namespace

base::Result<void> checkLaunch(const config::Composition& composition) {
    FAIRY2_ASSIGN(const auto spec, config::RunSpec::fromConfig(composition.tree));
    return check(spec);
}

base::Result<RunDirectory> launch(const config::Composition& composition, const std::string& command,
                                  const std::string& name) {
    FAIRY2_ASSIGN(const auto spec, config::RunSpec::fromConfig(composition.tree));
    FAIRY2_TRY(check(spec));
    FAIRY2_ASSIGN(auto run, RunDirectory::create(chooseDirectory(spec), composition.tree, composition.sources,
                                                 command, name.empty() ? spec.runName : name));
    FAIRY2_TRY(registerRun(run));
    auto started = startSupervisor(run, false);
    if (started) return run;
    // The run exists now: it says itself that it never started.
    if (auto log = RunLogWriter::create(run.logDirectory(), "launcher"))
        static_cast<void>(
            log->document(0, stateDocument(RunState::Failed, 1, started.error().message), true));
    return tl::unexpected(std::move(started).error());
}

base::Result<void> resume(const RunDirectory& run) {
    FAIRY2_ASSIGN(const auto summary, run.summary());
    if (supervisorAlive(run.path()))
        return base::fail(
            base::ErrorCode::Usage,
            fmt::format("the run is {}; only one that has ended can be resumed", runs::name(summary.state)),
            run.path().string());
    if (summary.state == RunState::Finished)
        return base::fail(
            base::ErrorCode::Usage, fmt::format("the run has made all of its {} steps", summary.maxSteps),
            run.path().string(), {}, "start a new run from its last checkpoint with model.path");
    FAIRY2_ASSIGN(const auto spec, config::RunSpec::fromConfig(run.config()));
    FAIRY2_TRY(check(spec));
    return startSupervisor(run, true);
}

} // namespace fairy2::runs
