// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/progress.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace fairy2::cli {

/// What a verb gives back: one document for --json and the same for people.
struct Outcome {
    base::Json document;
    std::string text;
    int exitCode = 0;
};

/// The command being run. A verb's add function declares its options and sets `run` in its callback.
struct Invocation {
    bool json = false;
    base::Task task; ///< progress on a terminal's stderr; cancelled by Ctrl-C
    std::function<base::Result<Outcome>()> run;
    std::string commandLine; ///< as typed, for reports and run.json
};

/// Adds one verb with its options, examples and callback to the program.
using AddVerb = void (*)(CLI::App& program, Invocation& invocation);

/// Declares the subcommand `name` with an example that --help shows, and the --json flag every verb has.
CLI::App* declareVerb(CLI::App& parent, Invocation& invocation, const std::string& name,
                      const std::string& help, const std::string& example);

// One file a verb: inspect.cpp has addInspect, and so on. Listed in verbs.cpp.
void addAnalyze(CLI::App& program, Invocation& invocation);
void addConfig(CLI::App& program, Invocation& invocation);
void addData(CLI::App& program, Invocation& invocation);
void addDoctor(CLI::App& program, Invocation& invocation);
void addEval(CLI::App& program, Invocation& invocation);
void addExport(CLI::App& program, Invocation& invocation);
void addGenerate(CLI::App& program, Invocation& invocation);
void addInspect(CLI::App& program, Invocation& invocation);
void addQuantize(CLI::App& program, Invocation& invocation);
void addSupervise(CLI::App& program, Invocation& invocation);
void addTokenize(CLI::App& program, Invocation& invocation);
void addRuns(CLI::App& program, Invocation& invocation);
void addSmoke(CLI::App& program, Invocation& invocation);
void addTrain(CLI::App& program, Invocation& invocation);

} // namespace fairy2::cli
