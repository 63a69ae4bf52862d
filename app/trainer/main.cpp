// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"
#include "training/backend.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

int printVersion(bool json) {
    const auto& backend = fairy2::training::backend();
    if (json) {
        auto document = backend.toJson();
        document["version"] = fairy2::base::version();
        fmt::print("{}\n", document.dump(2));
        return 0;
    }
    fmt::print("fairy2-trainer {}, LibTorch {}\n", fairy2::base::version(), backend.libtorch);
    for (const auto& gpu : backend.gpus)
        fmt::print("GPU {}  {}, {:.1f} GB, compute capability {}.{}\n", gpu.index, gpu.name,
                   static_cast<double>(gpu.memoryBytes) / 1e9, gpu.computeMajor, gpu.computeMinor);
    if (backend.gpus.empty()) fmt::print("no GPU: {}\n", backend.reason);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App program{"Trains and evaluates Fairy2i models with LibTorch", "fairy2-trainer"};
    bool version = false;
    bool json = false;
    program.add_flag("--version", version, "print versions and devices");
    program.add_flag("--json", json, "print one JSON document");
    CLI11_PARSE(program, argc, argv);
    if (version) return printVersion(json);
    fmt::print(stderr, "{}", program.help());
    return 2;
}
