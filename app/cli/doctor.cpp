// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"
#include "base/threads.h"
#include "verb.h"

#include <fmt/format.h>

namespace fairy2::cli {

void addDoctor(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(program, invocation, "doctor",
                             "what is here, what is missing, and how to add it", "fairy2 doctor --json");
    verb->callback([&invocation] {
        invocation.run = []() -> base::Result<Outcome> {
            Outcome outcome;
            outcome.document = {{"version", base::version()},
                                {"cpu_threads", base::threadCount()},
                                {"home", base::homeDirectory().string()}};
            outcome.text = outcome.document.dump(2);
            return outcome;
        };
    });
}

} // namespace fairy2::cli
