// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <cstring>
#include <exception>

// Checks and benchmarks of the GPU module; needs a GPU, so it is no part of CTest.
int main(int argc, char** argv) {
    using namespace fairy2::gpucheck;
    const auto usage = [] {
        std::fprintf(stderr,
                     "usage: fairy2-gpu-check kernels|quantizer|gradients|distillation|determinism|oracle "
                     "FOLDER|bench [OPTION=VALUE]…\n");
        return 2;
    };
    if (argc < 2) return usage();
    const std::string what = argv[1];
    Report report;
    try {
        if (what == "kernels") {
            checkKernels(report);
        } else if (what == "quantizer") {
            checkQuantizer(report);
        } else if (what == "gradients") {
            checkGradients(report);
        } else if (what == "distillation") {
            checkDistillation(report);
        } else if (what == "determinism") {
            checkDeterminism(report);
        } else if (what == "oracle" && argc == 3) {
            checkOracle(report, argv[2]);
        } else if (what == "bench") {
            bench(argc - 2, argv + 2);
        } else {
            return usage();
        }
    } catch (const std::exception& failure) {
        report.check(false, what, failure.what());
    }
    return report.failed() == 0 ? 0 : 1;
}
