// SPDX-License-Identifier: Apache-2.0
#include "kernels/device.cuh"

namespace fairy2::gpu {
namespace {

constexpr int kWarps = 8;

// A warp per row; the second look at the row comes from the cache.
template <typename T, int N>
__global__ void forward(const T* x, const float* weight, T* y, float* rstd, std::int64_t rows, int width,
                        float eps) {
    const auto row = blockIdx.x * std::int64_t(kWarps) + threadIdx.x / 32;
    if (row >= rows) return;
    const int lane = threadIdx.x % 32;
    const T* in = x + row * width;
    float squares = 0;
    for (int c = lane * N; c < width; c += 32 * N) {
        float v[N];
        load<N>(in + c, v);
#pragma unroll
        for (int k = 0; k < N; ++k)
            squares += v[k] * v[k];
    }
    const float r = 1.0F / sqrtf(warpSum(squares) / float(width) + eps);
    for (int c = lane * N; c < width; c += 32 * N) {
        float v[N], w[N];
        load<N>(in + c, v);
        load<N>(weight + c, w);
#pragma unroll
        for (int k = 0; k < N; ++k)
            v[k] = v[k] * r * w[k];
        store<N>(y + row * width + c, v);
    }
    if (lane == 0) rstd[row] = r;
}

// A warp walks over rows, keeping its columns' share of dweight in registers: Packs × N columns a lane.
template <typename T, int N, int Packs>
__global__ void __launch_bounds__(kWarps * 32)
    backward(const T* dy, const T* x, const float* weight, const float* rstd, const T* residual, T* dx,
             float* partial, std::int64_t rows, int width) {
    extern __shared__ float columns[];
    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    float dw[Packs][N] = {};
    for (auto row = blockIdx.x * std::int64_t(kWarps) + warp; row < rows;
         row += std::int64_t(gridDim.x) * kWarps) {
        const float r = rstd[row];
        Pack<T, N> d[Packs];
        Pack<T, N> in[Packs];
#pragma unroll
        for (int p = 0; p < Packs; ++p) {
            const int c = (p * 32 + lane) * N;
            if (c < width) {
                d[p] = *reinterpret_cast<const Pack<T, N>*>(dy + row * width + c);
                in[p] = *reinterpret_cast<const Pack<T, N>*>(x + row * width + c);
            }
        }
        float dot = 0;
#pragma unroll
        for (int p = 0; p < Packs; ++p) {
            const int c = (p * 32 + lane) * N;
            if (c < width) {
                float w[N];
                load<N>(weight + c, w);
#pragma unroll
                for (int k = 0; k < N; ++k) {
                    const float normed = toFloat(in[p].values[k]) * r;
                    const float gradient = toFloat(d[p].values[k]);
                    dw[p][k] += gradient * normed;
                    dot += gradient * w[k] * normed;
                }
            }
        }
        const float mean = warpSum(dot) / float(width);
#pragma unroll
        for (int p = 0; p < Packs; ++p) {
            const int c = (p * 32 + lane) * N;
            if (c < width) {
                float w[N], out[N] = {};
                load<N>(weight + c, w);
                if (residual != nullptr) load<N>(residual + row * width + c, out);
#pragma unroll
                for (int k = 0; k < N; ++k)
                    out[k] += r * (toFloat(d[p].values[k]) * w[k] - toFloat(in[p].values[k]) * r * mean);
                store<N>(dx + row * width + c, out);
            }
        }
    }
    for (int turn = 0; turn < kWarps; ++turn) {
        if (warp == turn) {
#pragma unroll
            for (int p = 0; p < Packs; ++p) {
                const int c = (p * 32 + lane) * N;
                if (c < width) {
#pragma unroll
                    for (int k = 0; k < N; ++k)
                        columns[c + k] = (turn == 0 ? 0.0F : columns[c + k]) + dw[p][k];
                }
            }
        }
        __syncthreads();
    }
    for (int c = threadIdx.x; c < width; c += blockDim.x)
        partial[std::int64_t(blockIdx.x) * width + c] = columns[c];
}

// 32 columns a block; 8 warps share the rows, then the first adds their sums.
__global__ void reduce(const float* partial, float* out, int width, int stride, bool accumulate) {
    __shared__ float sums[kWarps][32];
    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const int column = blockIdx.x * 32 + lane;
    float sum = 0;
    if (column < width)
        for (int row = warp; row < kPartialRows; row += kWarps)
            sum += partial[std::int64_t(row) * stride + column];
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp != 0 || column >= width) return;
    sum = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w)
        sum += sums[w][lane];
    out[column] = (accumulate ? out[column] : 0.0F) + sum;
}

} // namespace

void rmsNormForward(Element element, const void* x, const float* weight, void* y, float* rstd,
                    std::int64_t rows, std::int64_t width, float eps, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel) {
            kernel<<<unsigned(blocksFor(rows, kWarps)), kWarps * 32, 0, stream>>>(
                static_cast<const T*>(x), weight, static_cast<T*>(y), rstd, rows, int(width), eps);
        };
        if (width % 8 == 0) {
            launch(forward<T, 8>);
        } else {
            launch(forward<T, 1>);
        }
    });
}

void rmsNormBackward(Element element, const void* dy, const void* x, const float* weight, const float* rstd,
                     const void* residual, void* dx, float* partial, std::int64_t rows, std::int64_t width,
                     cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        const auto launch = [&](auto kernel) {
            kernel<<<kPartialRows, kWarps * 32, std::size_t(width) * sizeof(float), stream>>>(
                static_cast<const T*>(dy), static_cast<const T*>(x), weight, rstd,
                static_cast<const T*>(residual), static_cast<T*>(dx), partial, rows, int(width));
        };
        if (width % 8 != 0) return launch(backward<T, 1, 16>);
        if constexpr (sizeof(T) == 2) { // fp32 is there for comparison, one wide kernel serves it
            if (width <= 768) return launch(backward<T, 8, 3>);
            if (width <= 2560) return launch(backward<T, 8, 10>);
        }
        launch(backward<T, 8, 16>);
    });
}

void reducePartials(const float* partial, float* out, std::int64_t width, std::int64_t stride,
                    bool accumulate, cudaStream_t stream) {
    reduce<<<unsigned(blocksFor(width, 32)), kWarps * 32, 0, stream>>>(partial, out, int(width), int(stride),
                                                                       accumulate);
}

} // namespace fairy2::gpu
