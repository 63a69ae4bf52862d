// SPDX-License-Identifier: Apache-2.0
#include "kernels/device.cuh"

namespace fairy2::gpu {
namespace {

template <typename T, int N>
__global__ void forward(const std::int32_t* ids, const float* table, T* x, std::int64_t packs,
                        int packsPerRow) {
    const auto i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
    if (i >= packs) return;
    const auto token = i / packsPerRow;
    const auto column = (i - token * packsPerRow) * N;
    float values[N];
    load<N>(table + std::int64_t(ids[token]) * packsPerRow * N + column, values);
    store<N>(x + i * N, values);
}

// One block for each run of equal ids: the block of any other position leaves at once.
template <typename T>
__global__ void backward(const std::int32_t* ids, const std::int32_t* order, const T* dx, float* gradient,
                         int tokens, int width) {
    const int first = blockIdx.x;
    const std::int32_t id = ids[order[first]];
    if (first > 0 && ids[order[first - 1]] == id) return;
    int end = first + 1;
    while (end < tokens && ids[order[end]] == id)
        ++end;
    for (int column = threadIdx.x; column < width; column += blockDim.x) {
        float sum = 0;
#pragma unroll 8
        for (int i = first; i < end; ++i)
            sum += toFloat(dx[std::int64_t(order[i]) * width + column]);
        gradient[std::int64_t(id) * width + column] += sum;
    }
}

} // namespace

void embedForward(Element element, const std::int32_t* ids, const float* table, void* x, std::int64_t tokens,
                  std::int64_t width, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel, int n) {
            const auto packs = tokens * width / n;
            kernel<<<unsigned(blocksFor(packs, 256)), 256, 0, stream>>>(ids, table, static_cast<T*>(x), packs,
                                                                        int(width / n));
        };
        if (width % 8 == 0) {
            launch(forward<T, 8>, 8);
        } else {
            launch(forward<T, 1>, 1);
        }
    });
}

void embedBackward(Element element, const std::int32_t* ids, const std::int32_t* order, const void* dx,
                   float* gradient, std::int64_t tokens, std::int64_t width, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        backward<T><<<unsigned(tokens), 192, 0, stream>>>(ids, order, static_cast<const T*>(dx), gradient,
                                                          int(tokens), int(width));
    });
}

} // namespace fairy2::gpu
