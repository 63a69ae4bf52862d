// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairy2::base {

struct CpuFacts {
    std::string name;
    int cores = 0;   ///< physical, of the whole machine; 0 = unknown
    int threads = 0; ///< that this process may use
    /// Those that our code or its libraries use, in order of age: "avx2", "fma", "f16c", "avx512f", …
    std::vector<std::string> features;
};
[[nodiscard]] CpuFacts cpuFacts();

struct MemoryFacts {
    std::uint64_t totalBytes = 0; ///< of the machine, or of the control group when that allows less
    std::uint64_t availableBytes = 0;
};
[[nodiscard]] MemoryFacts memoryFacts();

struct DiskFacts {
    Path path; ///< the nearest folder that exists
    std::uint64_t totalBytes = 0;
    std::uint64_t freeBytes = 0; ///< for this user
};
[[nodiscard]] DiskFacts diskFacts(const Path& folder);

struct GpuFacts {
    int index = 0;
    std::string name;
    std::uint64_t memoryBytes = 0; ///< 0 = unknown
    std::string driver;
};
/// NVIDIA GPUs by nvidia-smi, or by the kernel driver's own files where that program is missing. CUDA is not
/// needed. Takes up to a second where there are some.
[[nodiscard]] std::vector<GpuFacts> gpuFacts();

} // namespace fairy2::base
