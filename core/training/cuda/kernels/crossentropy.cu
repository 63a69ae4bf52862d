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

template <typename T>
__device__ __forceinline__ MaxSum join(MaxSum a, MaxSum b) {
    const float most = fmaxf(a.most, b.most);
    return {most, a.sum * exponential<T>(a.most - most) + b.sum * exponential<T>(b.most - most)};
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
        float sum = mine.sum * exponential<T>(mine.most - most);
#pragma unroll
        for (int k = 0; k < N; ++k)
            sum += exponential<T>(v[k] - most);
        mine = {most, sum};
    }
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        mine = join<T>(mine, {__shfl_xor_sync(0xffffffffU, mine.most, step),
                              __shfl_xor_sync(0xffffffffU, mine.sum, step)});
    if (threadIdx.x % 32 == 0) shares[threadIdx.x / 32] = mine;
    const float atLabel = toFloat(row[label]);
    __syncthreads();
    MaxSum all = shares[0];
#pragma unroll
    for (int w = 1; w < kWarps; ++w)
        all = join<T>(all, shares[w]);
    if (threadIdx.x == 0) loss[blockIdx.x] = all.most + logf(all.sum) - atLabel;
    if (gradientScale == nullptr) return;
    const float scale = *gradientScale;
    const float factor = scale / all.sum;
    for (int c = threadIdx.x * N; c < vocab; c += kThreads * N) {
        float v[N];
        load<N>(row + c, v);
#pragma unroll
        for (int k = 0; k < N; ++k) {
            v[k] = exponential<T>(v[k] - all.most) * factor;
            if (c + k == label) v[k] -= scale;
        }
        store<N>(row + c, v);
    }
}

// What one pass over a row of student and teacher logits collects; exponents are relative to the maxima.
struct Softened {
    float most;    // of the student
    float sum;     // Σ exp(s − most)
    float softSum; // Σ exp((s − most)/τ)
    float teacherMost;
    float teacherSum; // Σ exp((t − teacherMost)/τ)
    float apart;      // Σ exp((t − teacherMost)/τ) · (t − s)/τ
};

template <typename T>
__device__ __forceinline__ Softened join(const Softened& a, const Softened& b, float cold) {
    const float most = fmaxf(a.most, b.most), teacherMost = fmaxf(a.teacherMost, b.teacherMost);
    const float ta = exponential<T>((a.teacherMost - teacherMost) * cold),
                tb = exponential<T>((b.teacherMost - teacherMost) * cold);
    return {most,
            a.sum * exponential<T>(a.most - most) + b.sum * exponential<T>(b.most - most),
            a.softSum * exponential<T>((a.most - most) * cold) +
                b.softSum * exponential<T>((b.most - most) * cold),
            teacherMost,
            a.teacherSum * ta + b.teacherSum * tb,
            a.apart * ta + b.apart * tb};
}

__device__ __forceinline__ Softened exchange(const Softened& mine, int step) {
    constexpr unsigned kAll = 0xffffffffU;
    return {__shfl_xor_sync(kAll, mine.most, step),       __shfl_xor_sync(kAll, mine.sum, step),
            __shfl_xor_sync(kAll, mine.softSum, step),    __shfl_xor_sync(kAll, mine.teacherMost, step),
            __shfl_xor_sync(kAll, mine.teacherSum, step), __shfl_xor_sync(kAll, mine.apart, step)};
}

template <typename T, int N>
__global__ void __launch_bounds__(kThreads)
    softmaxDistill(T* logits, const T* teacher, const std::int32_t* labels, float* loss, float* divergence,
                   int vocab, Distillation distillation, const float* gradientScale) {
    __shared__ Softened shares[kWarps];
    T* row = logits + blockIdx.x * std::int64_t(vocab);
    const T* other = teacher + blockIdx.x * std::int64_t(vocab);
    const std::int32_t label = labels[blockIdx.x];
    if (label < 0) {
        if (threadIdx.x == 0) loss[blockIdx.x] = divergence[blockIdx.x] = 0;
        const float zero[N] = {};
        for (int c = threadIdx.x * N; c < vocab; c += kThreads * N)
            store<N>(row + c, zero);
        return;
    }
    const float cold = 1.0F / distillation.temperature;
    Softened mine{-1e30F, 0, 0, -1e30F, 0, 0};
    for (int c = threadIdx.x * N; c < vocab; c += kThreads * N) {
        float s[N], t[N];
        load<N>(row + c, s);
        load<N>(other + c, t);
        Softened part{s[0], 0, 0, t[0], 0, 0};
#pragma unroll
        for (int k = 1; k < N; ++k) {
            part.most = fmaxf(part.most, s[k]);
            part.teacherMost = fmaxf(part.teacherMost, t[k]);
        }
        part.most = fmaxf(part.most, mine.most);
        part.teacherMost = fmaxf(part.teacherMost, mine.teacherMost);
#pragma unroll
        for (int k = 0; k < N; ++k) {
            part.sum += exponential<T>(s[k] - part.most);
            part.softSum += exponential<T>((s[k] - part.most) * cold);
            const float p = exponential<T>((t[k] - part.teacherMost) * cold);
            part.teacherSum += p;
            part.apart += p * (t[k] - s[k]) * cold;
        }
        mine = join<T>(mine, part, cold);
    }
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        mine = join<T>(mine, exchange(mine, step), cold);
    if (threadIdx.x % 32 == 0) shares[threadIdx.x / 32] = mine;
    const float atLabel = toFloat(row[label]);
    __syncthreads();
    Softened all = shares[0];
#pragma unroll
    for (int w = 1; w < kWarps; ++w)
        all = join<T>(all, shares[w], cold);
    if (threadIdx.x == 0) {
        loss[blockIdx.x] = all.most + logf(all.sum) - atLabel;
        // Σ p_t (t − s)/τ − log Σ exp(t/τ) + log Σ exp(s/τ)
        divergence[blockIdx.x] = all.apart / all.teacherSum -
                                 (all.teacherMost * cold + logf(all.teacherSum)) +
                                 (all.most * cold + logf(all.softSum));
    }
    const float scale = *gradientScale;
    const float plain = scale * distillation.ceWeight;
    const float soft = scale * distillation.weight * distillation.temperature;
    const float plainFactor = plain / all.sum, softFactor = soft / all.softSum,
                teacherFactor = soft / all.teacherSum;
    for (int c = threadIdx.x * N; c < vocab; c += kThreads * N) {
        float s[N], t[N];
        load<N>(row + c, s);
        load<N>(other + c, t);
#pragma unroll
        for (int k = 0; k < N; ++k) {
            const float below = s[k] - all.most;
            float d = exponential<T>(below * cold) * softFactor -
                      exponential<T>((t[k] - all.teacherMost) * cold) * teacherFactor;
            if (plain != 0.0F) d += exponential<T>(below) * plainFactor;
            if (c + k == label) d -= plain;
            s[k] = d;
        }
        store<N>(row + c, s);
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

void distillLoss(Element element, void* logits, const void* teacher, const std::int32_t* labels, float* loss,
                 float* divergence, std::int64_t rows, std::int64_t vocab, const Distillation& distillation,
                 const float* gradientScale, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel) {
            kernel<<<unsigned(rows), kThreads, 0, stream>>>(
                static_cast<T*>(logits), static_cast<const T*>(teacher), labels, loss, divergence, int(vocab),
                distillation, gradientScale);
        };
        if (vocab % 8 == 0) {
            launch(softmaxDistill<T, 8>);
        } else {
            launch(softmaxDistill<T, 1>);
        }
    });
}

void sumLoss(const float* values, std::int64_t count, LossSum* result, cudaStream_t stream) {
    sum<<<1, 1024, 0, stream>>>(values, count, result);
}

} // namespace fairy2::gpu
