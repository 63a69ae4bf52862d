// SPDX-License-Identifier: Apache-2.0
#include "exportverb.h"
#include "matrixexample.h"
#include "recipeoptions.h"

namespace fairy2::cli {
namespace {

struct QuantizeArguments {
    std::string matrix;
    std::string model;
    std::string folder;
    bool overwrite = false;
};

base::Result<Outcome> run(const QuantizeArguments& arguments, const RecipeOptions& options,
                          const base::Task& task) {
    FAIRY2_ASSIGN(auto recipe, options.recipe());
    if (!arguments.matrix.empty()) return matrixExample(arguments.matrix, recipe.forLayer("matrix"));
    if (arguments.folder.empty())
        return base::fail(base::ErrorCode::Usage, "MODEL and OUT are needed, or --matrix", {}, {},
                          "see fairy2 quantize --help");
    pack::ExportOptions how;
    how.format = pack::Format::Baked;
    how.recipe = std::move(recipe);
    how.overwrite = arguments.overwrite;
    return exportModel(arguments.model, arguments.folder, how, task);
}

} // namespace

void addQuantize(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(program, invocation, "quantize",
                             "quantise a model without training, or work a small matrix through",
                             "fairy2 quantize SmolLM2-135M smollm2-w2-ptq --mode w2\n"
                             "  fairy2 quantize --matrix '[[3,-1],[2,1]]' --stages 1");
    auto arguments = std::make_shared<QuantizeArguments>();
    auto* matrix = verb->add_option("--matrix", arguments->matrix, "rows of a small real matrix as JSON");
    auto* model = verb->add_option("model", arguments->model, "folder, file or org/name of a model");
    model->option_text("MODEL")->excludes(matrix);
    verb->add_option("out", arguments->folder, "folder to write, which transformers loads")
        ->option_text("OUT");
    verb->add_flag("--overwrite", arguments->overwrite, "replace a model that stands at OUT");
    const auto recipe = RecipeOptions::declare(*verb);
    verb->callback([&invocation, arguments, recipe] {
        invocation.run = [&invocation, arguments, recipe] {
            return run(*arguments, *recipe, invocation.task);
        };
    });
}

} // namespace fairy2::cli
