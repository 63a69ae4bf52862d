// SPDX-License-Identifier: Apache-2.0
#include "kernels/device.cuh"

namespace fairy2::gpu {
namespace {

// Written for correctness: a warp per query (or per key in the backward of k and v), lanes over the head's
// entries, every sum in a fixed order.
constexpr int kWarps = 8;
constexpr int kEach = 8; // entries of a head a lane holds: dim ≤ 256

struct Heads {
    std::int64_t sequence;
    std::int64_t qStride, kStride, vStride;
    int heads, kvHeads, dim;
    float scale;
};

template <typename T>
__device__ __forceinline__ void loadHead(const T* from, int dim, float (&to)[kEach]) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int e = 0; e < kEach; ++e)
        to[e] = e * 32 + lane < dim ? toFloat(from[e * 32 + lane]) : 0.0F;
}
template <typename T>
__device__ __forceinline__ void storeHead(T* to, int dim, const float (&from)[kEach]) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int e = 0; e < kEach; ++e)
        if (e * 32 + lane < dim) to[e * 32 + lane] = fromFloat<T>(from[e]);
}
__device__ __forceinline__ float dot(const float (&a)[kEach], const float (&b)[kEach]) {
    float sum = 0;
#pragma unroll
    for (int e = 0; e < kEach; ++e)
        sum += a[e] * b[e];
    return warpSum(sum);
}

template <typename T>
__global__ void forward(const T* q, const T* k, const T* v, T* out, float* logSumExp, Heads shape,
                        std::int64_t count) {
    const auto i = blockIdx.x * std::int64_t(kWarps) + threadIdx.x / 32;
    if (i >= count) return;
    const auto token = i / shape.heads;
    const int head = int(i - token * shape.heads);
    const int kvHead = head / (shape.heads / shape.kvHeads);
    const auto first = token / shape.sequence * shape.sequence;
    float query[kEach], sum[kEach] = {};
    loadHead(q + token * shape.qStride + head * shape.dim, shape.dim, query);
    float most = -1e30F, total = 0;
    for (auto key = first; key <= token; ++key) {
        float other[kEach];
        loadHead(k + key * shape.kStride + kvHead * shape.dim, shape.dim, other);
        const float score = dot(query, other) * shape.scale;
        const float higher = fmaxf(most, score);
        const float shrink = expf(most - higher);
        const float p = expf(score - higher);
        loadHead(v + key * shape.vStride + kvHead * shape.dim, shape.dim, other);
#pragma unroll
        for (int e = 0; e < kEach; ++e)
            sum[e] = sum[e] * shrink + p * other[e];
        total = total * shrink + p;
        most = higher;
    }
#pragma unroll
    for (int e = 0; e < kEach; ++e)
        sum[e] /= total;
    storeHead(out + i * shape.dim, shape.dim, sum);
    if (threadIdx.x % 32 == 0)
        logSumExp[(token / shape.sequence * shape.heads + head) * shape.sequence + token % shape.sequence] =
            most + logf(total);
}

template <typename T>
__global__ void backwardQuery(const T* q, const T* k, const T* v, const T* out, const float* logSumExp,
                              const T* dOut, T* dq, Heads shape, std::int64_t count) {
    const auto i = blockIdx.x * std::int64_t(kWarps) + threadIdx.x / 32;
    if (i >= count) return;
    const auto token = i / shape.heads;
    const int head = int(i - token * shape.heads);
    const int kvHead = head / (shape.heads / shape.kvHeads);
    const auto first = token / shape.sequence * shape.sequence;
    float query[kEach], gradient[kEach], other[kEach], sum[kEach] = {};
    loadHead(q + token * shape.qStride + head * shape.dim, shape.dim, query);
    loadHead(dOut + i * shape.dim, shape.dim, gradient);
    loadHead(out + i * shape.dim, shape.dim, other);
    const float delta = dot(gradient, other);
    const float lse =
        logSumExp[(token / shape.sequence * shape.heads + head) * shape.sequence + token % shape.sequence];
    for (auto key = first; key <= token; ++key) {
        loadHead(v + key * shape.vStride + kvHead * shape.dim, shape.dim, other);
        const float dp = dot(gradient, other);
        loadHead(k + key * shape.kStride + kvHead * shape.dim, shape.dim, other);
        const float p = expf(dot(query, other) * shape.scale - lse);
        const float ds = p * (dp - delta) * shape.scale;
#pragma unroll
        for (int e = 0; e < kEach; ++e)
            sum[e] += ds * other[e];
    }
    storeHead(dq + i * shape.dim, shape.dim, sum);
}

template <typename T>
__global__ void backwardKey(const T* q, const T* k, const T* v, const T* out, const float* logSumExp,
                            const T* dOut, T* dk, T* dv, Heads shape, std::int64_t count) {
    const auto i = blockIdx.x * std::int64_t(kWarps) + threadIdx.x / 32;
    if (i >= count) return;
    const auto key = i / shape.kvHeads;
    const int kvHead = int(i - key * shape.kvHeads);
    const int group = shape.heads / shape.kvHeads;
    const auto batch = key / shape.sequence;
    const auto end = (batch + 1) * shape.sequence;
    float mine[kEach], value[kEach], sumK[kEach] = {}, sumV[kEach] = {};
    loadHead(k + key * shape.kStride + kvHead * shape.dim, shape.dim, mine);
    loadHead(v + key * shape.vStride + kvHead * shape.dim, shape.dim, value);
    for (int head = kvHead * group; head < (kvHead + 1) * group; ++head)
        for (auto token = key; token < end; ++token) {
            float query[kEach], gradient[kEach], output[kEach];
            const auto at = (token * shape.heads + head) * shape.dim;
            loadHead(q + token * shape.qStride + head * shape.dim, shape.dim, query);
            loadHead(dOut + at, shape.dim, gradient);
            loadHead(out + at, shape.dim, output);
            const float lse =
                logSumExp[(batch * shape.heads + head) * shape.sequence + token % shape.sequence];
            const float p = expf(dot(query, mine) * shape.scale - lse);
            const float ds = p * (dot(gradient, value) - dot(gradient, output)) * shape.scale;
#pragma unroll
            for (int e = 0; e < kEach; ++e) {
                sumV[e] += p * gradient[e];
                sumK[e] += ds * query[e];
            }
        }
    storeHead(dk + i * shape.dim, shape.dim, sumK);
    storeHead(dv + i * shape.dim, shape.dim, sumV);
}

Heads headsOf(const AttentionInput& in, const HeadShape& shape, float scale) {
    return {shape.sequence, in.qStride, in.kStride, in.vStride, shape.heads, shape.kvHeads, shape.dim, scale};
}

} // namespace

void attentionForward(Element element, const AttentionInput& in, void* out, float* logSumExp,
                      const HeadShape& shape, float scale, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto count = shape.tokens * shape.heads;
        forward<T><<<unsigned(blocksFor(count, kWarps)), kWarps * 32, 0, stream>>>(
            static_cast<const T*>(in.q), static_cast<const T*>(in.k), static_cast<const T*>(in.v),
            static_cast<T*>(out), logSumExp, headsOf(in, shape, scale), count);
    });
}

void attentionBackward(Element element, const AttentionInput& in, const void* out, const float* logSumExp,
                       const void* dOut, void* dq, void* dk, void* dv, const HeadShape& shape, float scale,
                       cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto* const q = static_cast<const T*>(in.q);
        const auto* const k = static_cast<const T*>(in.k);
        const auto* const v = static_cast<const T*>(in.v);
        const auto* const o = static_cast<const T*>(out);
        const auto* const gradient = static_cast<const T*>(dOut);
        const auto heads = headsOf(in, shape, scale);
        const auto queries = shape.tokens * shape.heads;
        const auto keys = shape.tokens * shape.kvHeads;
        backwardQuery<T><<<unsigned(blocksFor(queries, kWarps)), kWarps * 32, 0, stream>>>(
            q, k, v, o, logSumExp, gradient, static_cast<T*>(dq), heads, queries);
        backwardKey<T><<<unsigned(blocksFor(keys, kWarps)), kWarps * 32, 0, stream>>>(
            q, k, v, o, logSumExp, gradient, static_cast<T*>(dk), static_cast<T*>(dv), heads, keys);
    });
}

} // namespace fairy2::gpu
