// SPDX-License-Identifier: Apache-2.0
#include "kernels/device.cuh"

namespace fairy2::gpu {
namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / 32;

struct MaxSum {
    float most;
    float sum; // of exp(x − most)
};

__device__ __forceinline__ MaxSum join(MaxSum a, MaxSum b) {
    const float most = fmaxf(a.most, b.most);
    return {most, a.sum * __expf(a.most - most) + b.sum * __expf(b.most - most)};
}

// A block per row: one pass for the softmax's denominator, one that overwrites the row while it is in L2.
template <typename T, int N>
__global__ void __launch_bounds__(kThreads)
    softmaxLoss(T* logits, const std::int32_t* labels, float* loss, int vocab, const float* gradientScale) {
    __shared__ MaxSum shares[kWarps];
    T* row = logits + blockIdx.x * std::int64_t(vocab);
    const std::int32_t label = labels[blockIdx.x];
    if (label < 0) {
        if (threadIdx.x == 0) loss[blockIdx.x] = 0;
        if (gradientScale == nullptr) return;
        const float zero[N] = {};
        for (int c = threadIdx.x * N; c < vocab; c += kThreads * N)
            store<N>(row + c, zero);
        return;
    }
    // A finite start, so that no −∞ − −∞ arises in lanes without work.
    MaxSum mine{-1e30F, 0.0F};
    for (int c = threadIdx.x * N; c < vocab; c += kThreads * N) {
        float v[N];
        load<N>(row + c, v);
        float most = mine.most;
#pragma unroll
        for (int k = 0; k < N; ++k)
            most = fmaxf(most, v[k]);
        float sum = mine.sum * __expf(mine.most - most);
#pragma unroll
        for (int k = 0; k < N; ++k)
            sum += __expf(v[k] - most);
        mine = {most, sum};
    }
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        mine = join(mine, {__shfl_xor_sync(0xffffffffU, mine.most, step),
                           __shfl_xor_sync(0xffffffffU, mine.sum, step)});
    if (threadIdx.x % 32 == 0) shares[threadIdx.x / 32] = mine;
    const float atLabel = toFloat(row[label]);
    __syncthreads();
    MaxSum all = shares[0];
#pragma unroll
    for (int w = 1; w < kWarps; ++w)
        all = join(all, shares[w]);
    if (threadIdx.x == 0) loss[blockIdx.x] = all.most + logf(all.sum) - atLabel;
    if (gradientScale == nullptr) return;
    const float scale = *gradientScale;
    const float factor = scale / all.sum;
    for (int c = threadIdx.x * N; c < vocab; c += kThreads * N) {
        float v[N];
        load<N>(row + c, v);
#pragma unroll
        for (int k = 0; k < N; ++k) {
            v[k] = __expf(v[k] - all.most) * factor;
            if (c + k == label) v[k] -= scale;
        }
        store<N>(row + c, v);
    }
}

__global__ void sum(const float* values, std::int64_t count, LossSum* result) {
    __shared__ double shares[32];
    double part = 0;
    for (std::int64_t i = threadIdx.x; i < count; i += blockDim.x)
        part += values[i];
    part = warpSum(part);
    if (threadIdx.x % 32 == 0) shares[threadIdx.x / 32] = part;
    __syncthreads();
    if (threadIdx.x >= 32) return;
    part = warpSum(shares[threadIdx.x]);
    if (threadIdx.x != 0) return;
    result->last = part;
    result->total += part;
}

} // namespace

void crossEntropy(Element element, void* logits, const std::int32_t* labels, float* loss, std::int64_t rows,
                  std::int64_t vocab, const float* gradientScale, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel) {
            kernel<<<unsigned(rows), kThreads, 0, stream>>>(static_cast<T*>(logits), labels, loss, int(vocab),
                                                            gradientScale);
        };
        if (vocab % 8 == 0) {
            launch(softmaxLoss<T, 8>);
        } else {
            launch(softmaxLoss<T, 1>);
        }
    });
}

void sumLoss(const float* values, std::int64_t count, LossSum* result, cudaStream_t stream) {
    sum<<<1, 1024, 0, stream>>>(values, count, result);
}

} // namespace fairy2::gpu
