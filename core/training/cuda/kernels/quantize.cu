// SPDX-License-Identifier: Apache-2.0
// The arithmetic here repeats core/quant/{scalesum.h,phasekernels.cpp} operation by operation (compiled
// without fused multiply-add): the same masters give the same scales, codes and weights on the CPU and here.
#include "kernels/device.cuh"

namespace fairy2::gpu {
namespace {

constexpr int kThreads = 256;
constexpr float kScaleFloor = 1e-6F;

struct Entry {
    float re;
    float im;
};
struct Pair {
    Entry u;
    Entry w;
};
struct Scale { // of one stage: u re, u im, w re, w im, as they stand in QuantState::scales
    float uRe, uIm, wRe, wIm;
};

// Adding zero makes −0 into +0: a zero entry has the code +1.
__device__ __forceinline__ Pair split(float a11, float a12, float a21, float a22) {
    const float h11 = 0.5F * a11, h12 = 0.5F * a12, h21 = 0.5F * a21, h22 = 0.5F * a22;
    return {{__fadd_rn(__fadd_rn(h11, h22), 0.0F), __fsub_rn(h21, h12)},
            {__fadd_rn(__fsub_rn(h11, h22), 0.0F), __fadd_rn(h12, h21)}};
}

__device__ __forceinline__ bool onReal(Entry e) {
    const float re = fabsf(e.re), im = fabsf(e.im);
    const bool signsDiffer = ((__float_as_uint(e.re) ^ __float_as_uint(e.im)) >> 31) != 0;
    return re > im || (re == im && (signsDiffer || re == 0.0F));
}

__device__ __forceinline__ Entry codeword(Entry e, float sRe, float sIm) {
    const bool real = onReal(e);
    return {real ? copysignf(sRe, e.re) : 0.0F, real ? 0.0F : copysignf(sIm, e.im)};
}

// Bit 0 the axis, bit 1 the sign.
__device__ __forceinline__ unsigned codeOf(Entry e) {
    const bool real = onReal(e);
    return (real ? 0U : 1U) | (__float_as_uint(real ? e.re : e.im) >> 31) << 1;
}

__device__ __forceinline__ Entry minus(Entry a, Entry b) {
    return {__fsub_rn(a.re, b.re), __fsub_rn(a.im, b.im)};
}
__device__ __forceinline__ Entry plus(Entry a, Entry b) {
    return {__fadd_rn(a.re, b.re), __fadd_rn(a.im, b.im)};
}

__device__ __forceinline__ Pair residual(Pair e, Scale s) {
    return {minus(e.u, codeword(e.u, s.uRe, s.uIm)), minus(e.w, codeword(e.w, s.wRe, s.wIm))};
}

__device__ __forceinline__ float scalePower(std::uint32_t maxBits) {
    return ldexpf(1.0F, 29 - ilogbf(fmaxf(__uint_as_float(maxBits), kScaleFloor)));
}

__device__ __forceinline__ float scaleOf(unsigned long long sum, unsigned long long count, float power) {
    if (count == 0) return kScaleFloor;
    const double mean = __ddiv_rn(double(static_cast<long long>(sum)),
                                  __dmul_rn(double(static_cast<long long>(count)), power));
    return fmaxf(__double2float_rn(mean), kScaleFloor);
}

// What one thread has seen; the imaginary axis is the rest of all minus the real one.
struct Accumulator {
    unsigned long long all = 0;
    unsigned long long real = 0;
    unsigned realCount = 0;

    __device__ __forceinline__ void add(Entry e, float power) {
        const float dominant = fmaxf(fabsf(e.re), fabsf(e.im));
        const auto term = static_cast<unsigned>(__float2int_rn(__fmul_rn(dominant, power)));
        const bool isReal = onReal(e);
        all += term;
        real += isReal ? term : 0U;
        realCount += isReal ? 1U : 0U;
    }
};

__device__ __forceinline__ unsigned long long warpSum64(unsigned long long value) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        value += __shfl_xor_sync(0xffffffffU, value, step);
    return value;
}

// Adds the block's sums to shared memory (integers: the order does not matter).
__device__ void gather(const Accumulator& u, const Accumulator& w, unsigned count, StageSums& block) {
    const auto uAll = warpSum64(u.all), uReal = warpSum64(u.real), wAll = warpSum64(w.all),
               wReal = warpSum64(w.real);
    const unsigned uCount = __reduce_add_sync(0xffffffffU, u.realCount);
    const unsigned wCount = __reduce_add_sync(0xffffffffU, w.realCount);
    const unsigned all = __reduce_add_sync(0xffffffffU, count);
    if (threadIdx.x % 32 != 0) return;
    atomicAdd(&block.sum[0], uReal);
    atomicAdd(&block.sum[1], uAll - uReal);
    atomicAdd(&block.sum[2], wReal);
    atomicAdd(&block.sum[3], wAll - wReal);
    atomicAdd(&block.count[0], static_cast<unsigned long long>(uCount));
    atomicAdd(&block.count[1], static_cast<unsigned long long>(all - uCount));
    atomicAdd(&block.count[2], static_cast<unsigned long long>(wCount));
    atomicAdd(&block.count[3], static_cast<unsigned long long>(all - wCount));
}

struct Quarters {
    std::int64_t a11, a12, a21, a22;
};
__device__ __forceinline__ Quarters quartersOf(const QuantMatrix& matrix, int row, int column) {
    const auto a11 = matrix.offset + std::int64_t(row) * 2 * matrix.m + column;
    const auto below = std::int64_t(matrix.n) * 2 * matrix.m;
    return {a11, a11 + matrix.m, a11 + below, a11 + below + matrix.m};
}

template <int N>
__device__ __forceinline__ void loadPairs(const float* master, const Quarters& at, Pair (&pairs)[N]) {
    float a11[N], a12[N], a21[N], a22[N];
    load<N>(master + at.a11, a11);
    load<N>(master + at.a12, a12);
    load<N>(master + at.a21, a21);
    load<N>(master + at.a22, a22);
#pragma unroll
    for (int k = 0; k < N; ++k)
        pairs[k] = split(a11[k], a12[k], a21[k], a22[k]);
}

// Calls body(first complex entry of N, its row, its column) for this thread's share of a chunk.
template <int N, typename Body>
__device__ __forceinline__ void forChunk(const QuantMatrix& matrix, int first, Body&& body) {
    const auto entries = std::int64_t(matrix.n) * matrix.m;
    for (int i = threadIdx.x * N; i < kQuantChunk; i += kThreads * N) {
        const auto entry = std::int64_t(first) + i;
        if (entry >= entries) return;
        const int row = int(entry / matrix.m);
        body(entry, row, int(entry - std::int64_t(row) * matrix.m));
    }
}

template <int N>
__device__ void addChunk(const QuantState& state, const QuantMatrix& matrix, int first, int stage,
                         float power, Accumulator& u, Accumulator& w, unsigned& count) {
    const auto* scales = reinterpret_cast<const Scale*>(state.scales + matrix.scales);
    forChunk<N>(matrix, first, [&](std::int64_t, int row, int column) {
        Pair pairs[N];
        loadPairs<N>(state.master, quartersOf(matrix, row, column), pairs);
#pragma unroll
        for (int k = 0; k < N; ++k) {
            for (int t = 0; t < stage; ++t)
                pairs[k] = residual(pairs[k], scales[t]);
            u.add(pairs[k].u, power);
            w.add(pairs[k].w, power);
        }
        count += N;
    });
}

__global__ void __launch_bounds__(kThreads) sumStage(QuantState state, int stage) {
    __shared__ StageSums block;
    const QuantChunk chunk = state.tensorChunks[blockIdx.x];
    const QuantMatrix matrix = state.matrices[chunk.matrix];
    if (stage >= matrix.stages) return;
    if (threadIdx.x < 8) (threadIdx.x < 4 ? block.sum : block.count)[threadIdx.x % 4] = 0;
    __syncthreads();
    const float power = scalePower(state.maxBits[chunk.matrix]);
    Accumulator u, w;
    unsigned count = 0;
    if (matrix.m % 4 == 0 && matrix.offset % 4 == 0) {
        addChunk<4>(state, matrix, chunk.first, stage, power, u, w, count);
    } else {
        addChunk<1>(state, matrix, chunk.first, stage, power, u, w, count);
    }
    gather(u, w, count, block);
    __syncthreads();
    StageSums& all = state.sums[chunk.matrix * kStages + stage];
    if (threadIdx.x < 4) {
        atomicAdd(&all.sum[threadIdx.x], block.sum[threadIdx.x]);
    } else if (threadIdx.x < 8) {
        atomicAdd(&all.count[threadIdx.x - 4], block.count[threadIdx.x - 4]);
    }
}

__global__ void finishStage(QuantState state, int stage) {
    const auto i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
    const auto index = i / 4;
    if (index >= state.matrixCount) return;
    const QuantMatrix& matrix = state.matrices[index];
    if (stage >= matrix.stages || matrix.grouping != Grouping::Tensor) return;
    const StageSums& sums = state.sums[index * kStages + stage];
    state.scales[matrix.scales + stage * 4 + i % 4] =
        scaleOf(sums.sum[i % 4], sums.count[i % 4], scalePower(state.maxBits[index]));
}

struct Measured {
    float energy[kStages + 1] = {};
    unsigned flips = 0;
};

// Writes weights and codes of N neighbouring entries and measures them.
template <typename T, int N>
__device__ __forceinline__ void writeEntries(const QuantState& state, const QuantMatrix& matrix,
                                             const Scale* scales, std::int64_t entry, int row, int column,
                                             float lambda, Measured& measured) {
    const auto at = quartersOf(matrix, row, column);
    float a[4][N];
    load<N>(state.master + at.a11, a[0]);
    load<N>(state.master + at.a12, a[1]);
    load<N>(state.master + at.a21, a[2]);
    load<N>(state.master + at.a22, a[3]);
    unsigned codes[2][N] = {};
#pragma unroll
    for (int k = 0; k < N; ++k) {
        Pair e = split(a[0][k], a[1][k], a[2][k], a[3][k]);
        const auto energyOf = [](const Pair& p) {
            return p.u.re * p.u.re + p.u.im * p.u.im + p.w.re * p.w.re + p.w.im * p.w.im;
        };
        measured.energy[0] += energyOf(e);
        Pair q{{0.0F, 0.0F}, {0.0F, 0.0F}};
#pragma unroll
        for (int t = 0; t < kStages; ++t) {
            if (t < matrix.stages) {
                const Scale s = scales[t];
                codes[t / 2][k] |= (codeOf(e.u) | codeOf(e.w) << 2) << (t % 2 * 4);
                const Entry u = codeword(e.u, s.uRe, s.uIm);
                const Entry w = codeword(e.w, s.wRe, s.wIm);
                e = {minus(e.u, u), minus(e.w, w)};
                q = {plus(q.u, u), plus(q.w, w)};
                measured.energy[t + 1] += energyOf(e);
            }
        }
        const float out[4] = {__fadd_rn(q.u.re, q.w.re), __fsub_rn(q.w.im, q.u.im), __fadd_rn(q.u.im, q.w.im),
                              __fsub_rn(q.u.re, q.w.re)};
#pragma unroll
        for (int part = 0; part < 4; ++part)
            a[part][k] = lambda == 1.0F ? out[part] : a[part][k] + lambda * (out[part] - a[part][k]);
    }
    T* weights = static_cast<T*>(state.weights);
    store<N>(weights + at.a11, a[0]);
    store<N>(weights + at.a12, a[1]);
    store<N>(weights + at.a21, a[2]);
    store<N>(weights + at.a22, a[3]);
    const auto plane = std::int64_t(matrix.n) * matrix.m;
    for (int half = 0; half * 2 < matrix.stages; ++half) {
        Pack<std::uint8_t, N> pack;
#pragma unroll
        for (int k = 0; k < N; ++k)
            pack.values[k] = static_cast<std::uint8_t>(codes[half][k]);
        auto* const to =
            reinterpret_cast<Pack<std::uint8_t, N>*>(state.codes + matrix.codes + half * plane + entry);
        const auto old = *to;
#pragma unroll
        for (int k = 0; k < N; ++k) {
            const unsigned changed = old.values[k] ^ codes[half][k];
            measured.flips += __popc((changed | changed >> 1) & 0x55U);
        }
        *to = pack;
    }
}

__device__ void report(const Measured& measured, int stages, MatrixMetrics& metrics) {
    __shared__ float energies[kThreads / 32][kStages + 1];
    __shared__ unsigned flips;
    if (threadIdx.x == 0) flips = 0;
    __syncthreads();
#pragma unroll
    for (int t = 0; t <= kStages; ++t) {
        const float sum = warpSum(measured.energy[t]);
        if (threadIdx.x % 32 == 0) energies[threadIdx.x / 32][t] = sum;
    }
    const unsigned changed = __reduce_add_sync(0xffffffffU, measured.flips);
    if (threadIdx.x % 32 == 0) atomicAdd(&flips, changed);
    __syncthreads();
    if (int(threadIdx.x) <= stages) {
        double sum = 0;
        for (int warp = 0; warp < kThreads / 32; ++warp)
            sum += energies[warp][threadIdx.x];
        // ‖A‖² = 2 (‖U‖² + ‖W‖²)
        atomicAdd(&metrics.energy[threadIdx.x], 2 * sum);
    }
    if (threadIdx.x == 32 && flips > 0) atomicAdd(&metrics.flips, static_cast<unsigned long long>(flips));
}

template <typename T>
__global__ void __launch_bounds__(kThreads) writeTensors(QuantState state) {
    const QuantChunk chunk = state.tensorChunks[blockIdx.x];
    const QuantMatrix matrix = state.matrices[chunk.matrix];
    const auto* scales = reinterpret_cast<const Scale*>(state.scales + matrix.scales);
    const float lambda = state.control->lambda;
    Measured measured;
    if (matrix.m % 4 == 0 && matrix.offset % 4 == 0) {
        forChunk<4>(matrix, chunk.first, [&](std::int64_t entry, int row, int column) {
            writeEntries<T, 4>(state, matrix, scales, entry, row, column, lambda, measured);
        });
    } else {
        forChunk<1>(matrix, chunk.first, [&](std::int64_t entry, int row, int column) {
            writeEntries<T, 1>(state, matrix, scales, entry, row, column, lambda, measured);
        });
    }
    report(measured, matrix.stages, state.metrics[chunk.matrix]);
}

// Row and tile64: a block takes a whole group through all its stages while it is in the cache.
template <typename T>
__global__ void __launch_bounds__(kThreads) quantizeGroups(QuantState state) {
    __shared__ StageSums block;
    __shared__ std::uint32_t most;
    __shared__ Scale scales[kStages];
    const QuantChunk chunk = state.groupChunks[blockIdx.x];
    const QuantMatrix matrix = state.matrices[chunk.matrix];
    const bool tile = matrix.grouping == Grouping::Tile64;
    const int tilesAcross = (matrix.m + 63) / 64;
    const int row0 = tile ? chunk.first / tilesAcross * 64 : chunk.first;
    const int column0 = tile ? chunk.first % tilesAcross * 64 : 0;
    const int rows = tile ? min(64, matrix.n - row0) : 1;
    const int columns = tile ? min(64, matrix.m - column0) : matrix.m;
    const auto forGroup = [&](auto&& body) {
        for (int i = threadIdx.x; i < rows * columns; i += kThreads)
            body(row0 + i / columns, column0 + i % columns);
    };
    if (threadIdx.x == 0) most = 0;
    __syncthreads();
    std::uint32_t mine = 0;
    forGroup([&](int row, int column) {
        const auto at = quartersOf(matrix, row, column);
        for (const auto each : {at.a11, at.a12, at.a21, at.a22})
            mine = max(mine, __float_as_uint(state.master[each]) & 0x7fffffffU);
    });
    mine = __reduce_max_sync(0xffffffffU, mine);
    if (threadIdx.x % 32 == 0) atomicMax(&most, mine);
    __syncthreads();
    const float power = scalePower(most);
    for (int stage = 0; stage < matrix.stages; ++stage) {
        if (threadIdx.x < 8) (threadIdx.x < 4 ? block.sum : block.count)[threadIdx.x % 4] = 0;
        __syncthreads();
        Accumulator u, w;
        unsigned count = 0;
        forGroup([&](int row, int column) {
            Pair pair[1];
            loadPairs<1>(state.master, quartersOf(matrix, row, column), pair);
            for (int t = 0; t < stage; ++t)
                pair[0] = residual(pair[0], scales[t]);
            u.add(pair[0].u, power);
            w.add(pair[0].w, power);
            ++count;
        });
        gather(u, w, count, block);
        __syncthreads();
        if (threadIdx.x < 4) {
            const float scale = scaleOf(block.sum[threadIdx.x], block.count[threadIdx.x], power);
            reinterpret_cast<float*>(&scales[stage])[threadIdx.x] = scale;
            state.scales[matrix.scales + (std::int64_t(chunk.first) * matrix.stages + stage) * 4 +
                         threadIdx.x] = scale;
        }
        __syncthreads();
    }
    Measured measured;
    const float lambda = state.control->lambda;
    forGroup([&](int row, int column) {
        writeEntries<T, 1>(state, matrix, scales, std::int64_t(row) * matrix.m + column, row, column, lambda,
                           measured);
    });
    report(measured, matrix.stages, state.metrics[chunk.matrix]);
}

} // namespace

void quantize(Element element, const QuantState& state, int stages, cudaStream_t stream) {
    const auto chunks = unsigned(state.tensorChunkCount);
    if (chunks > 0)
        for (int stage = 0; stage < stages; ++stage) {
            sumStage<<<chunks, kThreads, 0, stream>>>(state, stage);
            finishStage<<<unsigned(blocksFor(state.matrixCount * 4, 128)), 128, 0, stream>>>(state, stage);
        }
    withElement(element, [&](auto type) {
        using T = decltype(type);
        if (chunks > 0) writeTensors<T><<<chunks, kThreads, 0, stream>>>(state);
        if (state.groupChunkCount > 0)
            quantizeGroups<T><<<unsigned(state.groupChunkCount), kThreads, 0, stream>>>(state);
    });
}

} // namespace fairy2::gpu
