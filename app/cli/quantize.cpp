// SPDX-License-Identifier: Apache-2.0
#include "matrixexample.h"
#include "recipeoptions.h"
#include "verb.h"

namespace fairy2::cli {

void addQuantize(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(program, invocation, "quantize", "work a small matrix through Fairy2i",
                             "fairy2 quantize --matrix '[[3,-1],[2,1]]' --stages 1");
    auto matrix = std::make_shared<std::string>();
    verb->add_option("--matrix", *matrix, "rows of a small real matrix as JSON")->required();
    const auto recipe = RecipeOptions::declare(*verb);
    verb->callback([&invocation, matrix, recipe] {
        invocation.run = [matrix, recipe]() -> base::Result<Outcome> {
            FAIRY2_ASSIGN(const auto how, recipe->recipe());
            return matrixExample(*matrix, how.forLayer("matrix"));
        };
    });
}

} // namespace fairy2::cli
