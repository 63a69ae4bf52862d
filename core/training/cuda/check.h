// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>
#include <stdexcept>
#include <string>

namespace fairy2::gpu {

/// What goes wrong inside the module travels as an exception to its C interface, which turns it into a
/// sentence.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void check(cudaError_t error, const char* what) {
    if (error != cudaSuccess) throw Failure(std::string(what) + ": " + cudaGetErrorString(error));
}

} // namespace fairy2::gpu
