// SPDX-License-Identifier: Apache-2.0
#include "kernels/device.cuh"

namespace fairy2::gpu {
namespace {

// Entries j and j + dim/2 of a head form one complex number; `direction` −1 turns back.
template <int N>
__device__ __forceinline__ void turn(float (&low)[N], float (&high)[N], const float* cosines,
                                     const float* sines, float direction) {
    float c[N], s[N];
    load<N>(cosines, c);
    load<N>(sines, s);
#pragma unroll
    for (int k = 0; k < N; ++k) {
        const float l = low[k];
        low[k] = l * c[k] - direction * high[k] * s[k];
        high[k] = high[k] * c[k] + direction * l * s[k];
    }
}

template <typename T, int N>
__global__ void forward(T* qkv, const float* cosines, const float* sines, HeadShape shape,
                        std::int64_t count) {
    const auto i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
    if (i >= count) return;
    const int half = shape.dim / 2;
    const int packs = half / N;
    const int heads = shape.heads + shape.kvHeads;
    const auto token = i / (heads * packs);
    const int rest = int(i - token * (heads * packs));
    const int head = rest / packs;
    const int j = (rest - head * packs) * N;
    T* at = qkv + token * shape.rowWidth() + head * shape.dim + j;
    float low[N], high[N];
    load<N>(at, low);
    load<N>(at + half, high);
    const auto angle = token % shape.sequence * half + j;
    turn<N>(low, high, cosines + angle, sines + angle, 1.0F);
    store<N>(at, low);
    store<N>(at + half, high);
}

template <typename T, int N>
__global__ void backward(const T* dq, const T* dk, const T* dv, T* dqkv, const float* cosines,
                         const float* sines, HeadShape shape, std::int64_t count) {
    const auto i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
    if (i >= count) return;
    const int half = shape.dim / 2;
    const int packs = half / N;
    const int heads = shape.heads + 2 * shape.kvHeads;
    const auto token = i / (heads * packs);
    const int rest = int(i - token * (heads * packs));
    const int head = rest / packs;
    const int j = (rest - head * packs) * N;
    const bool isV = head >= shape.heads + shape.kvHeads;
    const T* from = head < shape.heads ? dq + (token * shape.heads + head) * shape.dim
                    : isV ? dv + (token * shape.kvHeads + head - shape.heads - shape.kvHeads) * shape.dim
                          : dk + (token * shape.kvHeads + head - shape.heads) * shape.dim;
    float low[N], high[N];
    load<N>(from + j, low);
    load<N>(from + j + half, high);
    const auto angle = token % shape.sequence * half + j;
    if (!isV) turn<N>(low, high, cosines + angle, sines + angle, -1.0F);
    T* to = dqkv + token * shape.rowWidth() + head * shape.dim + j;
    store<N>(to, low);
    store<N>(to + half, high);
}

constexpr int kWarps = 8;
constexpr int kPairs = 4; // pairs a lane holds: dim ≤ 2 · 32 · kPairs

// A warp per head of q or k: norm, then turn.
template <typename T>
__global__ void normForward(const T* qkv, const float* qWeight, const float* kWeight, T* turned,
                            const float* cosines, const float* sines, HeadShape shape, float eps,
                            std::int64_t count) {
    const auto i = blockIdx.x * std::int64_t(kWarps) + threadIdx.x / 32;
    if (i >= count) return;
    const int lane = threadIdx.x % 32;
    const int half = shape.dim / 2;
    const int heads = shape.heads + shape.kvHeads;
    const auto token = i / heads;
    const int head = int(i - token * heads);
    const float* weight = head < shape.heads ? qWeight : kWeight;
    const T* from = qkv + token * shape.rowWidth() + head * shape.dim;
    float low[kPairs] = {}, high[kPairs] = {};
    float squares = 0;
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
        const int j = p * 32 + lane;
        if (j < half) {
            low[p] = toFloat(from[j]);
            high[p] = toFloat(from[j + half]);
            squares += low[p] * low[p] + high[p] * high[p];
        }
    }
    const float r = 1.0F / sqrtf(warpSum(squares) / float(shape.dim) + eps);
    T* to = turned + i * shape.dim;
#pragma unroll
    for (int p = 0; p < kPairs; ++p) {
        const int j = p * 32 + lane;
        if (j < half) {
            float l[1] = {low[p] * r * weight[j]};
            float h[1] = {high[p] * r * weight[j + half]};
            const auto angle = token % shape.sequence * half + j;
            turn<1>(l, h, cosines + angle, sines + angle, 1.0F);
            to[j] = fromFloat<T>(l[0]);
            to[j + half] = fromFloat<T>(h[0]);
        }
    }
}

// A warp per token walks over its heads; the gradients of the norms' weights stay in registers.
template <typename T>
__global__ void normBackward(const T* qkv, const float* qWeight, const float* kWeight, const T* dq,
                             const T* dk, const T* dv, T* dqkv, float* partial, const float* cosines,
                             const float* sines, HeadShape shape, float eps) {
    extern __shared__ float columns[]; // 2·dim: q, then k
    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const int half = shape.dim / 2;
    float dwLow[2][kPairs] = {}, dwHigh[2][kPairs] = {};
    for (auto token = blockIdx.x * std::int64_t(kWarps) + warp; token < shape.tokens;
         token += std::int64_t(gridDim.x) * kWarps) {
        const T* row = qkv + token * shape.rowWidth();
        T* out = dqkv + token * shape.rowWidth();
        const auto normHead = [&](int head, const T* from, const float* weight, float(&wLow)[kPairs],
                                  float(&wHigh)[kPairs]) {
            const T* raw = row + head * shape.dim;
            float low[kPairs] = {}, high[kPairs] = {}, dLow[kPairs] = {}, dHigh[kPairs] = {};
            float squares = 0, dot = 0;
#pragma unroll
            for (int p = 0; p < kPairs; ++p) {
                const int j = p * 32 + lane;
                if (j < half) {
                    low[p] = toFloat(raw[j]);
                    high[p] = toFloat(raw[j + half]);
                    squares += low[p] * low[p] + high[p] * high[p];
                    float l[1] = {toFloat(from[j])};
                    float h[1] = {toFloat(from[j + half])};
                    const auto angle = token % shape.sequence * half + j;
                    turn<1>(l, h, cosines + angle, sines + angle, -1.0F);
                    dLow[p] = l[0];
                    dHigh[p] = h[0];
                    dot += l[0] * weight[j] * low[p] + h[0] * weight[j + half] * high[p];
                }
            }
            const float r = 1.0F / sqrtf(warpSum(squares) / float(shape.dim) + eps);
            const float mean = warpSum(dot) * r / float(shape.dim);
#pragma unroll
            for (int p = 0; p < kPairs; ++p) {
                const int j = p * 32 + lane;
                if (j < half) {
                    wLow[p] += dLow[p] * low[p] * r;
                    wHigh[p] += dHigh[p] * high[p] * r;
                    T* to = out + head * shape.dim;
                    to[j] = fromFloat<T>(r * (dLow[p] * weight[j] - low[p] * r * mean));
                    to[j + half] = fromFloat<T>(r * (dHigh[p] * weight[j + half] - high[p] * r * mean));
                }
            }
        };
        for (int head = 0; head < shape.heads; ++head)
            normHead(head, dq + (token * shape.heads + head) * shape.dim, qWeight, dwLow[0], dwHigh[0]);
        for (int head = 0; head < shape.kvHeads; ++head)
            normHead(shape.heads + head, dk + (token * shape.kvHeads + head) * shape.dim, kWeight, dwLow[1],
                     dwHigh[1]);
        const int vWidth = shape.kvHeads * shape.dim;
        for (int c = lane; c < vWidth; c += 32)
            out[(shape.heads + shape.kvHeads) * shape.dim + c] = dv[token * vWidth + c];
    }
    for (int turnOf = 0; turnOf < kWarps; ++turnOf) {
        if (warp == turnOf) {
#pragma unroll
            for (int which = 0; which < 2; ++which)
#pragma unroll
                for (int p = 0; p < kPairs; ++p) {
                    const int j = p * 32 + lane;
                    if (j < half) {
                        float* at = columns + which * shape.dim + j;
                        at[0] = (turnOf == 0 ? 0.0F : at[0]) + dwLow[which][p];
                        at[half] = (turnOf == 0 ? 0.0F : at[half]) + dwHigh[which][p];
                    }
                }
        }
        __syncthreads();
    }
    for (int c = threadIdx.x; c < 2 * shape.dim; c += blockDim.x)
        partial[std::int64_t(blockIdx.x) * 2 * shape.dim + c] = columns[c];
}

} // namespace

void ropeForward(Element element, void* qkv, const float* cosines, const float* sines, const HeadShape& shape,
                 cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel, int n) {
            const auto count = shape.tokens * (shape.heads + shape.kvHeads) * (shape.dim / 2 / n);
            kernel<<<unsigned(blocksFor(count, 256)), 256, 0, stream>>>(static_cast<T*>(qkv), cosines, sines,
                                                                        shape, count);
        };
        if (shape.dim % 16 == 0) {
            launch(forward<T, 8>, 8);
        } else {
            launch(forward<T, 1>, 1);
        }
    });
}

void ropeBackward(Element element, const void* dq, const void* dk, const void* dv, void* dqkv,
                  const float* cosines, const float* sines, const HeadShape& shape, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel, int n) {
            const auto count = shape.tokens * (shape.heads + 2 * shape.kvHeads) * (shape.dim / 2 / n);
            kernel<<<unsigned(blocksFor(count, 256)), 256, 0, stream>>>(
                static_cast<const T*>(dq), static_cast<const T*>(dk), static_cast<const T*>(dv),
                static_cast<T*>(dqkv), cosines, sines, shape, count);
        };
        if (shape.dim % 16 == 0) {
            launch(backward<T, 8>, 8);
        } else {
            launch(backward<T, 1>, 1);
        }
    });
}

void ropeNormForward(Element element, const void* qkv, const float* qWeight, const float* kWeight,
                     void* turned, const float* cosines, const float* sines, const HeadShape& shape,
                     float eps, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto count = shape.tokens * (shape.heads + shape.kvHeads);
        normForward<T><<<unsigned(blocksFor(count, kWarps)), kWarps * 32, 0, stream>>>(
            static_cast<const T*>(qkv), qWeight, kWeight, static_cast<T*>(turned), cosines, sines, shape, eps,
            count);
    });
}

void ropeNormBackward(Element element, const void* qkv, const float* qWeight, const float* kWeight,
                      const void* dq, const void* dk, const void* dv, void* dqkv, float* partial,
                      const float* cosines, const float* sines, const HeadShape& shape, float eps,
                      cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        normBackward<T><<<kPartialRows, kWarps * 32, std::size_t(2 * shape.dim) * sizeof(float), stream>>>(
            static_cast<const T*>(qkv), qWeight, kWeight, static_cast<const T*>(dq),
            static_cast<const T*>(dk), static_cast<const T*>(dv), static_cast<T*>(dqkv), partial, cosines,
            sines, shape, eps);
    });
}

} // namespace fairy2::gpu
