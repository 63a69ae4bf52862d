// SPDX-License-Identifier: Apache-2.0
#include "training/torch/decoder.h"

#include <cmath>

namespace fairy2::training {
namespace {

// As in transformers: the variance in fp32 whatever the compute type.
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
    const auto wide = x.to(at::kFloat);
    const auto scale = at::rsqrt(wide.square().mean(-1, true) + eps);
    return (wide * scale).to(x.scalar_type()) * weight;
}

// Rotates the two halves of each head: (a, b) → (a·cos − b·sin, b·cos + a·sin).
at::Tensor rotate(const at::Tensor& heads, const RopeTable& rope) {
    const auto halves = heads.chunk(2, -1);
    return at::cat({halves[0] * rope.cos - halves[1] * rope.sin, halves[1] * rope.cos + halves[0] * rope.sin},
                   -1);
}

// LibTorch's tiled kernel on the CPU approximates exp to 20 ulp, enough to turn codes that lie on a sector
// boundary. Up to 64 MB of attention weights a layer are spent on the exact one.
at::Tensor mix(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool grouped) {
    constexpr std::int64_t kMostWeights = std::int64_t{1} << 24;
    const auto weights = q.size(0) * q.size(1) * q.size(2) * q.size(2);
    if (weights <= kMostWeights)
        return std::get<0>(at::_scaled_dot_product_attention_math(q, k, v, {}, 0.0, true, {}, {}, grouped));
    return at::scaled_dot_product_attention(q, k, v, {}, 0.0, true, {}, grouped);
}

at::Tensor attention(const models::ModelSpec& spec, const BlockWeights& block, const RopeTable& rope,
                     const at::Tensor& x) {
    const auto rows = x.size(0);
    const auto length = x.size(1);
    const auto heads = [&](const at::Tensor& weight, std::int64_t count) {
        return at::linear(x, weight).view({rows, length, count, spec.headDim});
    };
    auto q = heads(block.q, spec.heads);
    auto k = heads(block.k, spec.kvHeads);
    const auto v = heads(block.v, spec.kvHeads).transpose(1, 2);
    if (spec.qkNorm) {
        q = rmsNorm(q, block.qNorm, spec.rmsEps);
        k = rmsNorm(k, block.kNorm, spec.rmsEps);
    }
    q = rotate(q.transpose(1, 2), rope);
    k = rotate(k.transpose(1, 2), rope);
    const auto mixed = mix(q, k, v, spec.heads != spec.kvHeads);
    return at::linear(mixed.transpose(1, 2).reshape({rows, length, spec.heads * spec.headDim}), block.o);
}

at::Tensor feedForward(const BlockWeights& block, const at::Tensor& x) {
    return at::linear(at::silu(at::linear(x, block.gate)) * at::linear(x, block.up), block.down);
}

} // namespace

RopeTable makeRopeTable(const models::ModelSpec& spec, std::int64_t length,
                        const at::TensorOptions& options) {
    const auto frequencies = models::ropeInverseFrequencies(spec);
    const auto half = static_cast<std::int64_t>(frequencies.size());
    auto cos = at::empty({length, half}, at::kFloat);
    auto sin = at::empty({length, half}, at::kFloat);
    auto* cosines = cos.data_ptr<float>();
    auto* sines = sin.data_ptr<float>();
    for (std::int64_t position = 0; position < length; ++position)
        for (std::int64_t i = 0; i < half; ++i) {
            // The angle in fp32, as transformers has it and the weights were trained with.
            const float angle =
                static_cast<float>(position) * static_cast<float>(frequencies[static_cast<std::size_t>(i)]);
            cosines[position * half + i] = std::cos(angle);
            sines[position * half + i] = std::sin(angle);
        }
    return {cos.to(options), sin.to(options)};
}

at::Tensor decoderForward(const models::ModelSpec& spec, const DecoderWeights& weights, const RopeTable& rope,
                          at::Tensor embedded) {
    at::Tensor x = std::move(embedded);
    for (const BlockWeights& block : weights.blocks) {
        x = x + attention(spec, block, rope, rmsNorm(x, block.inputNorm, spec.rmsEps));
        x = x + feedForward(block, rmsNorm(x, block.postNorm, spec.rmsEps));
    }
    return rmsNorm(x, weights.finalNorm, spec.rmsEps);
}

} // namespace fairy2::training
