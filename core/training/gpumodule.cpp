// SPDX-License-Identifier: Apache-2.0
#include "training/gpumodule.h"

#include "base/files.h"
#include "training/cuda/interface.h"

#include <cstdlib>
#include <dlfcn.h>
#include <fmt/format.h>

namespace fairy2::training {
namespace {

base::Path modulePath() {
    if (const char* wish = std::getenv("FAIRY2_CUDA_MODULE"); wish != nullptr) return wish;
    std::error_code error;
    const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    for (const base::Path& candidate : {folder / "fairy2_cuda.so", folder / ".." / "bin" / "fairy2_cuda.so",
                                        folder / ".." / "lib" / "fairy2" / "fairy2_cuda.so"})
        if (std::filesystem::exists(candidate, error)) return candidate;
    return {};
}

} // namespace

const GpuModule& GpuModule::instance() {
    static const GpuModule module;
    return module;
}

GpuModule::GpuModule() {
    const base::Path path = modulePath();
    if (path.empty()) {
        m_reason = "this build has no GPU module (fairy2_cuda.so)";
        return;
    }
    // Global and at once: LibTorch asks for CUDA hooks by symbol when it first meets a CUDA question.
    m_handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (m_handle == nullptr) {
        m_reason = fmt::format("the GPU module does not load: {}", ::dlerror());
        return;
    }
    auto* const version = find<decltype(fairy2CudaInterface)>("fairy2CudaInterface");
    const int spoken = version == nullptr ? 0 : version();
    if (spoken == FAIRY2_CUDA_INTERFACE) return;
    m_reason = fmt::format("{} speaks interface {}, this trainer {}; build both together", path.string(),
                           spoken, FAIRY2_CUDA_INTERFACE);
    ::dlclose(m_handle);
    m_handle = nullptr;
}

void* GpuModule::symbol(const char* name) const noexcept {
    return m_handle == nullptr ? nullptr : ::dlsym(m_handle, name);
}

base::Result<std::vector<GpuDevice>> GpuModule::devices() const {
    auto* const countDevices = find<decltype(fairy2CudaDeviceCount)>("fairy2CudaDeviceCount");
    auto* const describe = find<decltype(fairy2CudaDevice)>("fairy2CudaDevice");
    auto* const text = find<decltype(fairy2CudaErrorText)>("fairy2CudaErrorText");
    const auto failed = [&](int error) {
        return base::fail(base::ErrorCode::Failed, fmt::format("no GPU can be used: {}", text(error)));
    };
    int count = 0;
    if (const int error = countDevices(&count); error != 0) return failed(error);
    std::vector<GpuDevice> found;
    for (int index = 0; index < count; ++index) {
        Fairy2CudaDevice device{};
        if (const int error = describe(index, &device); error != 0) return failed(error);
        found.push_back({index, device.name, device.memoryBytes, device.computeMajor, device.computeMinor,
                         device.multiprocessors});
    }
    return found;
}

} // namespace fairy2::training
