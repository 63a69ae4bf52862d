// SPDX-License-Identifier: Apache-2.0
#include "runs/supervisor.h"
#include "verb.h"

namespace fairy2::cli {

// Started by the launcher, not by people: no place in --help.
void addSupervise(CLI::App& program, Invocation& invocation) {
    struct Options {
        std::string directory;
        bool resume = false;
        bool detach = false;
    };
    auto* verb = declareVerb(program, invocation, "supervise",
                             "runs the trainer of a run directory and watches over it",
                             "fairy2 supervise RUN --detach");
    verb->group("");
    auto options = std::make_shared<Options>();
    verb->add_option("directory", options->directory, "the run directory")->required();
    verb->add_flag("--resume", options->resume, "go on from the latest checkpoint");
    verb->add_flag("--detach", options->detach, "in a session of its own; returns once the run is taken");
    verb->callback([&invocation, options] {
        invocation.run = [options]() -> base::Result<Outcome> {
            const auto code = options->detach ? runs::superviseDetached(options->directory, options->resume)
                                              : runs::supervise(options->directory, options->resume);
            return Outcome{base::Json::object(), {}, code};
        };
    });
}

} // namespace fairy2::cli
