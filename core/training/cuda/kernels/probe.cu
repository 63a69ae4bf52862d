// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernels.h"

namespace fairy2::gpu {
namespace {

__global__ void square(std::int32_t* values) {
    values[threadIdx.x] = std::int32_t(threadIdx.x * threadIdx.x);
}

} // namespace

void probe(std::int32_t* values, int count, cudaStream_t stream) {
    square<<<1, unsigned(count), 0, stream>>>(values);
}

} // namespace fairy2::gpu
