// SPDX-License-Identifier: Apache-2.0
#include "training/backend.h"

#include "training/gpumodule.h"

#include <torch/version.h>

namespace fairy2::training {
namespace {

Backend discover() {
    Backend found;
    found.libtorch = TORCH_VERSION;
    const GpuModule& module = GpuModule::instance();
    found.gpuModule = module.loaded();
    found.reason = module.reason();
    if (!module.loaded()) return found;
    auto devices = module.devices();
    if (devices) {
        found.gpus = std::move(*devices);
    } else {
        found.reason = devices.error().sentence();
    }
    return found;
}

} // namespace

base::Json Backend::toJson() const {
    auto devices = base::Json::array();
    for (const GpuDevice& gpu : gpus)
        devices.push_back({{"index", gpu.index},
                           {"name", gpu.name},
                           {"memory_bytes", gpu.memoryBytes},
                           {"compute_capability",
                            std::to_string(gpu.computeMajor) + "." + std::to_string(gpu.computeMinor)},
                           {"multiprocessors", gpu.multiprocessors}});
    return {{"libtorch", libtorch}, {"gpu_module", gpuModule}, {"reason", reason}, {"devices", devices}};
}

const Backend& backend() {
    static const Backend found = discover();
    return found;
}

} // namespace fairy2::training
