// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairy2::training {

/// One GPU as the driver shows it.
struct GpuDevice {
    int index = 0;
    std::string name;
    std::uint64_t memoryBytes = 0;
    int computeMajor = 0;
    int computeMinor = 0;
    int multiprocessors = 0;
};

/// What this process can compute with.
struct Backend {
    std::string libtorch;        ///< version of the LibTorch that was loaded
    bool gpuModule = false;      ///< fairy2_cuda.so was found and speaks our interface version
    std::string reason;          ///< why there is no GPU to use; empty when there is one
    std::vector<GpuDevice> gpus; ///< in the driver's order
    [[nodiscard]] base::Json toJson() const;
};

/// Loads the GPU module if there is one and asks it for devices. The answer is found once per process. Must
/// come before any other CUDA question: LibTorch remembers a "no".
[[nodiscard]] const Backend& backend();

} // namespace fairy2::training
