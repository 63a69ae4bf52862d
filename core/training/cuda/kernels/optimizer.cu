// SPDX-License-Identifier: Apache-2.0
#include "kernels/device.cuh"

namespace fairy2::gpu {
namespace {

constexpr int kThreads = 256;

__device__ double blockSum(double value) {
    __shared__ double shares[32];
    value = warpSum(value);
    if (threadIdx.x % 32 == 0) shares[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x < blockDim.x / 32 ? shares[threadIdx.x] : 0.0;
    return threadIdx.x < 32 ? warpSum(value) : 0.0;
}

__global__ void __launch_bounds__(kThreads)
    squares(const float4* gradient, std::int64_t count, double* partial) {
    double sum = 0;
    const auto step = std::int64_t(gridDim.x) * kThreads;
    for (auto i = blockIdx.x * std::int64_t(kThreads) + threadIdx.x; i < count; i += 4 * step) {
        float part = 0;
#pragma unroll
        for (int k = 0; k < 4; ++k)
            if (i + k * step < count) {
                const float4 g = gradient[i + k * step];
                part += g.x * g.x + g.y * g.y + g.z * g.z + g.w * g.w;
            }
        sum += part;
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void decide(const double* partial, LossSum* loss, StepControl* control, AdamW adam) {
    double sum = 0;
    for (int i = threadIdx.x; i < kNormBlocks; i += blockDim.x)
        sum += partial[i];
    sum = blockSum(sum);
    if (threadIdx.x != 0) return;
    const double norm = sqrt(sum);
    control->gradientNorm = float(norm);
    control->loss = loss->total;
    loss->total = 0;
    control->skip = isfinite(norm) && isfinite(control->loss) ? 0 : 1;
    if (control->skip != 0) {
        ++control->skipped;
        return;
    }
    const float factor = control->clipNorm / (float(norm) + 1e-6F);
    control->gradientFactor = control->clipNorm > 0 && factor < 1 ? factor : 1.0F;
    ++control->updates;
    control->correction1 = float(1.0 - pow(adam.beta1, double(control->updates)));
    control->correction2Root = float(sqrt(1.0 - pow(adam.beta2, double(control->updates))));
}

__device__ __forceinline__ std::uint32_t magnitudeBits(float value) {
    return __float_as_uint(value) & 0x7fffffffU;
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    update(const Chunk* chunks, float* master, const float* gradient, float* moment1, float* moment2,
           T* weights, std::uint32_t* maxBits, const StepControl* control, AdamW adam, bool wanted) {
    const Chunk chunk = chunks[blockIdx.x];
    const bool moves = wanted && control->skip == 0;
    const float factor = control->gradientFactor;
    const float beta2 = float(adam.beta2), fresh1 = float(1.0 - adam.beta1), fresh2 = float(1.0 - adam.beta2),
                eps = float(adam.eps);
    const float keep = float(1.0 - double(control->learningRate) * adam.weightDecay);
    const float pace = control->learningRate / control->correction1;
    std::uint32_t most = 0;
    const auto one = [&](float& p, float g, float& m, float& v) {
        g *= factor;
        m += fresh1 * (g - m);
        v = beta2 * v + fresh2 * g * g;
        p = p * keep - pace * (m / (sqrtf(v) / control->correction2Root + eps));
    };
    for (int i = threadIdx.x * 4; i < chunk.count; i += kThreads * 4) {
        const auto at = chunk.offset + i;
        if (at % 4 == 0 && i + 4 <= chunk.count) {
            auto p = *reinterpret_cast<float4*>(master + at);
            if (moves) {
                const auto g = *reinterpret_cast<const float4*>(gradient + at);
                auto m = *reinterpret_cast<float4*>(moment1 + at);
                auto v = *reinterpret_cast<float4*>(moment2 + at);
                one(p.x, g.x, m.x, v.x);
                one(p.y, g.y, m.y, v.y);
                one(p.z, g.z, m.z, v.z);
                one(p.w, g.w, m.w, v.w);
                *reinterpret_cast<float4*>(master + at) = p;
                *reinterpret_cast<float4*>(moment1 + at) = m;
                *reinterpret_cast<float4*>(moment2 + at) = v;
            }
            most = max(max(most, max(magnitudeBits(p.x), magnitudeBits(p.y))),
                       max(magnitudeBits(p.z), magnitudeBits(p.w)));
            if (chunk.matrix < 0) {
                const float values[4] = {p.x, p.y, p.z, p.w};
                store<4>(weights + at, values);
            }
        } else {
            for (auto k = at; k < min(at + 4, chunk.offset + chunk.count); ++k) {
                if (moves) one(master[k], gradient[k], moment1[k], moment2[k]);
                most = max(most, magnitudeBits(master[k]));
                if (chunk.matrix < 0) weights[k] = fromFloat<T>(master[k]);
            }
        }
    }
    if (chunk.matrix < 0) return;
    most = __reduce_max_sync(0xffffffffU, most);
    if (threadIdx.x % 32 == 0) atomicMax(maxBits + chunk.matrix, most);
}

} // namespace

void gradientSquares(const float* gradient, std::int64_t count, double* partial, cudaStream_t stream) {
    squares<<<kNormBlocks, kThreads, 0, stream>>>(reinterpret_cast<const float4*>(gradient), count / 4,
                                                  partial);
}

void decideStep(const double* partial, LossSum* loss, StepControl* control, const AdamW& adam,
                cudaStream_t stream) {
    decide<<<1, 1024, 0, stream>>>(partial, loss, control, adam);
}

void adamwUpdate(Element element, const Chunk* chunks, std::int64_t chunkCount, float* master,
                 const float* gradient, float* moment1, float* moment2, void* weights, std::uint32_t* maxBits,
                 const StepControl* control, const AdamW& adam, bool wanted, cudaStream_t stream) {
    withElement(element, [&](auto type) {
        using T = decltype(type);
        update<T><<<unsigned(chunkCount), kThreads, 0, stream>>>(chunks, master, gradient, moment1, moment2,
                                                                 static_cast<T*>(weights), maxBits, control,
                                                                 adam, wanted);
    });
}

} // namespace fairy2::gpu
