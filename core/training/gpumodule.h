// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "training/backend.h"

#include <vector>

namespace fairy2::training {

/// fairy2_cuda.so, loaded at run time so that the trainer starts on machines without CUDA.
class GpuModule {
public:
    /// Looks beside the program, then in FAIRY2_CUDA_MODULE; tried once per process.
    [[nodiscard]] static const GpuModule& instance();

    [[nodiscard]] bool loaded() const noexcept { return m_handle != nullptr; }
    [[nodiscard]] const std::string& reason() const noexcept {
        return m_reason;
    } ///< why not loaded, a sentence
    [[nodiscard]] base::Result<std::vector<GpuDevice>> devices() const;

    /// A function of the module's C interface, or null when the module is absent.
    template <typename Function>
    [[nodiscard]] Function* find(const char* name) const noexcept {
        return reinterpret_cast<Function*>(symbol(name));
    }

private:
    GpuModule();
    [[nodiscard]] void* symbol(const char* name) const noexcept;
    void* m_handle = nullptr;
    std::string m_reason;
};

} // namespace fairy2::training
