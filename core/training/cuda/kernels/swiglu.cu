// SPDX-License-Identifier: Apache-2.0
#include "kernels/device.cuh"

namespace fairy2::gpu {
namespace {

template <typename T>
__device__ __forceinline__ float sigmoid(float x) {
    return 1.0F / (1.0F + exponential<T>(-x));
}

template <typename T, int N>
__global__ void forward(const T* gateUp, T* y, std::int64_t packs, int packsPerRow) {
    const auto i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
    if (i >= packs) return;
    const auto row = i / packsPerRow;
    const T* gate = gateUp + (i + row * packsPerRow) * N;
    float g[N], u[N];
    load<N>(gate, g);
    load<N>(gate + std::int64_t(packsPerRow) * N, u);
#pragma unroll
    for (int k = 0; k < N; ++k)
        g[k] = g[k] * sigmoid<T>(g[k]) * u[k];
    store<N>(y + i * N, g);
}

template <typename T, int N>
__global__ void backward(T* gateUp, const T* dy, T* again, std::int64_t packs, int packsPerRow) {
    const auto i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
    if (i >= packs) return;
    const auto row = i / packsPerRow;
    T* gate = gateUp + (i + row * packsPerRow) * N;
    T* up = gate + std::int64_t(packsPerRow) * N;
    float g[N], u[N], d[N];
    load<N>(gate, g);
    load<N>(up, u);
    load<N>(dy + i * N, d);
    float y[N];
#pragma unroll
    for (int k = 0; k < N; ++k) {
        const float s = sigmoid<T>(g[k]);
        const float silu = g[k] * s;
        y[k] = silu * u[k];
        const float dGate = d[k] * u[k] * (s + silu * (1.0F - s));
        u[k] = d[k] * silu;
        g[k] = dGate;
    }
    store<N>(gate, g);
    store<N>(up, u);
    if (again != nullptr) store<N>(again + i * N, y);
}

} // namespace

void swigluForward(Element element, const void* gateUp, void* y, std::int64_t rows, std::int64_t width,
                   cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel, int n) {
            const auto packs = rows * width / n;
            kernel<<<unsigned(blocksFor(packs, 256)), 256, 0, stream>>>(
                static_cast<const T*>(gateUp), static_cast<T*>(y), packs, int(width / n));
        };
        if (width % 8 == 0) {
            launch(forward<T, 8>, 8);
        } else {
            launch(forward<T, 1>, 1);
        }
    });
}

void swigluBackward(Element element, void* gateUp, const void* dy, void* again, std::int64_t rows,
                    std::int64_t width, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel, int n) {
            const auto packs = rows * width / n;
            kernel<<<unsigned(blocksFor(packs, 256)), 256, 0, stream>>>(
                static_cast<T*>(gateUp), static_cast<const T*>(dy), static_cast<T*>(again), packs,
                int(width / n));
        };
        if (width % 8 == 0) {
            launch(backward<T, 8>, 8);
        } else {
            launch(backward<T, 1>, 1);
        }
    });
}

} // namespace fairy2::gpu
