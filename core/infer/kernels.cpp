// SPDX-License-Identifier: Apache-2.0
#include "infer/kernels.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "infer/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// Needs the target that foreach_target.h has chosen.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace fairy2::infer::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;

// Calls body(offset, lanes) for whole vectors and once for the rest; `load` and `store` handle the rest
// through a buffer, because a masked load may touch memory behind the array on some targets.
class Lanes {
public:
    explicit Lanes(std::int64_t n) : m_n(n), m_width(static_cast<std::int64_t>(hn::Lanes(F()))) {}

    template <typename Body>
    HWY_INLINE void each(const Body& body) const {
        std::int64_t i = 0;
        for (; i + m_width <= m_n; i += m_width)
            body(i, m_width);
        if (i < m_n) body(i, m_n - i);
    }

    [[nodiscard]] HWY_INLINE V load(const float* from, std::int64_t count, float filler) const {
        const F d;
        if (count == m_width) return hn::LoadU(d, from);
        HWY_ALIGN float buffer[hn::MaxLanes(F())] = {};
        for (std::int64_t i = 0; i < m_width; ++i)
            buffer[i] = i < count ? from[i] : filler;
        return hn::Load(d, buffer);
    }

    HWY_INLINE void store(V value, float* to, std::int64_t count) const {
        const F d;
        if (count == m_width) return hn::StoreU(value, d, to);
        HWY_ALIGN float buffer[hn::MaxLanes(F())] = {};
        hn::Store(value, d, buffer);
        std::copy_n(buffer, count, to);
    }

private:
    std::int64_t m_n;
    std::int64_t m_width;
};

HWY_INLINE float sumOf(V v) {
    return hn::GetLane(hn::SumOfLanes(F(), v));
}

HWY_INLINE float maxOf(const float* x, std::int64_t n) {
    const F d;
    const Lanes lanes(n);
    auto largest = hn::Set(d, -std::numeric_limits<float>::infinity());
    lanes.each([&](std::int64_t i, std::int64_t count) HWY_ATTR {
        largest = hn::Max(largest, lanes.load(x + i, count, -std::numeric_limits<float>::infinity()));
    });
    return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// exp of something not above 0, −inf included. A NaN stays one: Max() and Exp() would make a number of it.
HWY_INLINE V expOfNegative(V x) {
    const F d;
    const auto exponential = hn::Exp(d, hn::Max(x, hn::Set(d, -104.0F)));
    return hn::IfThenElse(hn::Eq(x, x), exponential, x);
}

HWY_INLINE float sumExp(const float* x, std::int64_t n, float max) {
    const F d;
    const Lanes lanes(n);
    const auto shift = hn::Set(d, max);
    auto sum = hn::Zero(d);
    lanes.each([&](std::int64_t i, std::int64_t count) HWY_ATTR {
        const auto value = lanes.load(x + i, count, -std::numeric_limits<float>::infinity());
        sum = hn::Add(sum, expOfNegative(hn::Sub(value, shift)));
    });
    return sumOf(sum);
}

} // namespace

void RmsNorm(const float* x, const float* weight, std::int64_t n, float eps, float* out) {
    const F d;
    const Lanes lanes(n);
    auto squares = hn::Zero(d);
    lanes.each([&](std::int64_t i, std::int64_t count) HWY_ATTR {
        const auto value = lanes.load(x + i, count, 0.0F);
        squares = hn::MulAdd(value, value, squares);
    });
    const float mean = sumOf(squares) / static_cast<float>(n);
    const auto factor = hn::Set(d, 1.0F / std::sqrt(mean + eps));
    lanes.each([&](std::int64_t i, std::int64_t count) HWY_ATTR {
        const auto normed = hn::Mul(lanes.load(x + i, count, 0.0F), factor);
        lanes.store(hn::Mul(lanes.load(weight + i, count, 0.0F), normed), out + i, count);
    });
}

void SiluMultiply(float* gate, const float* up, std::int64_t n) {
    const F d;
    const Lanes lanes(n);
    const auto one = hn::Set(d, 1.0F);
    lanes.each([&](std::int64_t i, std::int64_t count) HWY_ATTR {
        const auto x = lanes.load(gate + i, count, 0.0F);
        // exp(−|x|) cannot overflow: silu = x/(1+e) for x ≥ 0 and x·e/(1+e) below.
        const auto e = expOfNegative(hn::Neg(hn::Abs(x)));
        const auto numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, e), x);
        const auto silu = hn::Div(numerator, hn::Add(one, e));
        lanes.store(hn::Mul(silu, lanes.load(up + i, count, 0.0F)), gate + i, count);
    });
}

void Softmax(float* x, std::int64_t n, float scale) {
    const F d;
    const Lanes lanes(n);
    const auto factor = hn::Set(d, scale);
    const auto shift = hn::Set(d, maxOf(x, n));
    auto sum = hn::Zero(d);
    lanes.each([&](std::int64_t i, std::int64_t count) HWY_ATTR {
        const auto value = lanes.load(x + i, count, -std::numeric_limits<float>::infinity());
        const auto e = expOfNegative(hn::Mul(factor, hn::Sub(value, shift)));
        sum = hn::Add(sum, e);
        lanes.store(e, x + i, count);
    });
    const auto inverse = hn::Set(d, 1.0F / sumOf(sum));
    lanes.each([&](std::int64_t i, std::int64_t count)
                   HWY_ATTR { lanes.store(hn::Mul(lanes.load(x + i, count, 0.0F), inverse), x + i, count); });
}

float MaxOf(const float* x, std::int64_t n) {
    return maxOf(x, n);
}

float SumExp(const float* x, std::int64_t n, float max) {
    return sumExp(x, n, max);
}

float SumExpDifference(const float* t, const float* s, std::int64_t n, float max) {
    const F d;
    const Lanes lanes(n);
    const auto shift = hn::Set(d, max);
    auto sum = hn::Zero(d);
    lanes.each([&](std::int64_t i, std::int64_t count) HWY_ATTR {
        const auto teacher = lanes.load(t + i, count, max - 104.0F);
        const auto student = lanes.load(s + i, count, max - 104.0F);
        sum = hn::MulAdd(expOfNegative(hn::Sub(teacher, shift)), hn::Sub(teacher, student), sum);
    });
    return sumOf(sum);
}

} // namespace fairy2::infer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fairy2::infer {

HWY_EXPORT(RmsNorm);
HWY_EXPORT(SiluMultiply);
HWY_EXPORT(Softmax);
HWY_EXPORT(MaxOf);
HWY_EXPORT(SumExp);
HWY_EXPORT(SumExpDifference);

void rmsNorm(const float* x, const float* weight, std::int64_t n, float eps, float* out) {
    HWY_DYNAMIC_DISPATCH(RmsNorm)(x, weight, n, eps, out);
}

void siluMultiply(float* gate, const float* up, std::int64_t n) {
    HWY_DYNAMIC_DISPATCH(SiluMultiply)(gate, up, n);
}

void softmax(float* x, std::int64_t n, float scale) {
    HWY_DYNAMIC_DISPATCH(Softmax)(x, n, scale);
}

double LogSumExp::value() const {
    return static_cast<double>(max) + std::log(sum);
}

void accumulate(LogSumExp& state, const float* x, std::int64_t n, std::int64_t first) {
    const float largest = HWY_DYNAMIC_DISPATCH(MaxOf)(x, n);
    if (largest > state.max) {
        state.sum *= std::exp(static_cast<double>(state.max) - static_cast<double>(largest));
        state.max = largest;
        state.argmax = first + (std::find(x, x + n, largest) - x);
    }
    state.sum += static_cast<double>(HWY_DYNAMIC_DISPATCH(SumExp)(x, n, state.max));
}

void accumulate(DivergenceSums& state, const float* teacher, const float* student, std::int64_t n,
                std::int64_t first) {
    const float before = state.teacher.max;
    accumulate(state.teacher, teacher, n, first);
    accumulate(state.student, student, n, first);
    if (state.teacher.max > before)
        state.difference *= std::exp(static_cast<double>(before) - static_cast<double>(state.teacher.max));
    state.difference +=
        static_cast<double>(HWY_DYNAMIC_DISPATCH(SumExpDifference)(teacher, student, n, state.teacher.max));
}

double DivergenceSums::divergence() const {
    // KL = Σ p (t − s) − log Z_t + log Z_s; rounding may leave a tiny negative number where both are equal.
    return std::max(0.0, difference / teacher.sum - teacher.value() + student.value());
}

} // namespace fairy2::infer
#endif
