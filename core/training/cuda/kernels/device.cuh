// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

#include <cuda_bf16.h>

namespace fairy2::gpu {

using BF16 = __nv_bfloat16;

/// N neighbouring elements that move in 16-byte accesses.
template <typename T, int N>
struct alignas(sizeof(T) * N) Pack {
    T values[N];
};

__device__ __forceinline__ float toFloat(float value) {
    return value;
}
__device__ __forceinline__ float toFloat(BF16 value) {
    return __bfloat162float(value);
}
template <typename T>
__device__ __forceinline__ T fromFloat(float value);
template <>
__device__ __forceinline__ float fromFloat<float>(float value) {
    return value;
}
template <>
__device__ __forceinline__ BF16 fromFloat<BF16>(float value) {
    return __float2bfloat16_rn(value);
}

template <int N, typename T>
__device__ __forceinline__ void load(const T* from, float (&to)[N]) {
    const auto pack = *reinterpret_cast<const Pack<T, N>*>(from);
#pragma unroll
    for (int i = 0; i < N; ++i)
        to[i] = toFloat(pack.values[i]);
}
template <int N, typename T>
__device__ __forceinline__ void store(T* to, const float (&from)[N]) {
    Pack<T, N> pack;
#pragma unroll
    for (int i = 0; i < N; ++i)
        pack.values[i] = fromFloat<T>(from[i]);
    *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

/// eˣ as exactly as T's own rounding asks for.
template <typename T>
__device__ __forceinline__ float exponential(float x) {
    return sizeof(T) == sizeof(float) ? expf(x) : __expf(x);
}

__device__ __forceinline__ float warpSum(float value) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        value += __shfl_xor_sync(0xffffffffU, value, step);
    return value;
}
__device__ __forceinline__ double warpSum(double value) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        value += __shfl_xor_sync(0xffffffffU, value, step);
    return value;
}

inline std::int64_t blocksFor(std::int64_t count, std::int64_t perBlock) {
    return (count + perBlock - 1) / perBlock;
}

/// Calls body(T{}) with the C++ type of `element`.
template <typename Body>
void withElement(Element element, Body&& body) {
    if (element == Element::F32) {
        body(float{});
    } else {
        body(BF16{});
    }
}

} // namespace fairy2::gpu
