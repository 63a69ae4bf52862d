// SPDX-License-Identifier: Apache-2.0
#include "quant/phasekernels.h"

#include <algorithm>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quant/phasekernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fairy2::quant::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using U64 = hn::RepartitionToWide<hn::RebindToUnsigned<F>>;
using VF = hn::Vec<F>;
using VI = hn::Vec<I>;
using V64 = hn::Vec<U64>;
using MF = hn::Mask<F>;

struct Entry {
    VF re;
    VF im;
};
struct Pair {
    Entry u;
    Entry w;
};

// Halving before adding cannot overflow and rounds as halving after it does. Adding zero makes −0 into +0
// (a zero entry has the code +1); only the sign of the real part is ever looked at when it is zero.
HWY_INLINE Pair split(VF a11, VF a12, VF a21, VF a22) {
    const F d;
    const auto half = hn::Set(d, 0.5F);
    const auto zero = hn::Zero(d);
    const auto h11 = hn::Mul(half, a11);
    const auto h12 = hn::Mul(half, a12);
    const auto h21 = hn::Mul(half, a21);
    const auto h22 = hn::Mul(half, a22);
    return {{hn::Add(hn::Add(h11, h22), zero), hn::Sub(h21, h12)},
            {hn::Add(hn::Sub(h11, h22), zero), hn::Add(h12, h21)}};
}

// phaseOf() of phase.h: which axis; the sign on it is that of the part that lies on it.
HWY_INLINE MF onReal(const Entry& e) {
    const F d;
    const I di;
    const auto absRe = hn::Abs(e.re);
    const auto absIm = hn::Abs(e.im);
    const auto signsDiffer = hn::RebindMask(d, hn::Lt(hn::BitCast(di, hn::Xor(e.re, e.im)), hn::Zero(di)));
    const auto realAtTie = hn::Or(signsDiffer, hn::Eq(absRe, hn::Zero(d)));
    return hn::Or(hn::Gt(absRe, absIm), hn::And(hn::Eq(absRe, absIm), realAtTie));
}

HWY_INLINE Entry codeword(const Entry& e, float sRe, float sIm) {
    const F d;
    const auto real = onReal(e);
    return {hn::IfThenElseZero(real, hn::CopySignToAbs(hn::Set(d, sRe), e.re)),
            hn::IfThenZeroElse(real, hn::CopySignToAbs(hn::Set(d, sIm), e.im))};
}

HWY_INLINE Entry minus(const Entry& a, const Entry& b) {
    return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}

HWY_INLINE Entry only(MF mask, const Entry& e) {
    return {hn::IfThenElseZero(mask, e.re), hn::IfThenElseZero(mask, e.im)};
}

HWY_INLINE Pair residual(Pair e, std::span<const StageScale> done) {
    for (const auto& s : done) {
        e.u = minus(e.u, codeword(e.u, s.uRe, s.uIm));
        e.w = minus(e.w, codeword(e.w, s.wRe, s.wIm));
    }
    return e;
}

// Calls body(pair of vectors, row, first entry, how many lanes are real entries) and rowDone(row) after each
// row. Lanes behind the end are zero.
template <typename Body, typename RowDone>
HWY_INLINE void forEachVector(const Segment& segment, const Body& body, const RowDone& rowDone) {
    const F d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    for (std::int64_t row = 0; row < segment.rows; ++row) {
        const float* a11 = segment.a11 + row * segment.stride;
        const float* a12 = segment.a12 + row * segment.stride;
        const float* a21 = segment.a21 + row * segment.stride;
        const float* a22 = segment.a22 + row * segment.stride;
        std::int64_t j = 0;
        for (; j + lanes <= segment.count; j += lanes)
            body(split(hn::LoadU(d, a11 + j), hn::LoadU(d, a12 + j), hn::LoadU(d, a21 + j),
                       hn::LoadU(d, a22 + j)),
                 row, j, lanes);
        const auto rest = segment.count - j;
        const auto load = [&](const float* from) HWY_ATTR {
            HWY_ALIGN float padded[hn::MaxLanes(F())] = {};
            std::copy_n(from + j, rest, padded);
            return hn::Load(d, padded);
        };
        if (rest > 0) body(split(load(a11), load(a12), load(a21), load(a22)), row, j, rest);
        rowDone(row);
    }
}

template <typename Body>
HWY_INLINE void forEachVector(const Segment& segment, const Body& body) {
    forEachVector(segment, body, [](std::int64_t) HWY_ATTR {});
}

HWY_INLINE void store(VF values, float* to, std::int64_t count) {
    const F d;
    if (count == static_cast<std::int64_t>(hn::Lanes(d))) return hn::StoreU(values, d, to);
    HWY_ALIGN float whole[hn::MaxLanes(F())];
    hn::Store(values, d, whole);
    std::copy_n(whole, count, to);
}

// Non-negative int32 lanes into uint64 lanes without a shuffle: the even ones by masking, the odd by
// shifting.
HWY_INLINE V64 addWide(V64 sum, VI terms) {
#if HWY_TARGET == HWY_SCALAR // one lane of either width
    return hn::Set(U64(), hn::GetLane(sum) + static_cast<std::uint64_t>(hn::GetLane(terms)));
#else
    const U64 d64;
    const auto pairs = hn::BitCast(d64, terms);
    return hn::Add(hn::Add(sum, hn::And(pairs, hn::Set(d64, 0xffffffffULL))), hn::ShiftRight<32>(pairs));
#endif
}

HWY_INLINE std::int64_t total(V64 sum) {
    const U64 d64;
    HWY_ALIGN std::uint64_t lanes[hn::MaxLanes(U64())];
    hn::Store(sum, d64, lanes);
    std::uint64_t result = 0;
    for (std::size_t i = 0; i < hn::Lanes(d64); ++i)
        result += lanes[i];
    return static_cast<std::int64_t>(result);
}

// Every entry has one dominant part; the sums of the imaginary axis are the rest of all minus the real one.
struct Accumulator {
    V64 all;
    V64 real;
    VI realCount;

    HWY_INLINE void add(const Entry& e, MF isReal, VF power) {
        const I di;
        const auto dominant = hn::Max(hn::Abs(e.re), hn::Abs(e.im));
        const auto terms = hn::NearestInt(hn::Mul(dominant, power));
        const auto realLanes = hn::RebindMask(di, isReal);
        all = addWide(all, terms);
        real = addWide(real, hn::IfThenElseZero(realLanes, terms));
        realCount = hn::Sub(realCount, hn::VecFromMask(di, realLanes)); // a true lane is −1
    }
    // `padding` zero lanes were counted on the real axis.
    void addTo(ScaleSum& re, ScaleSum& im, std::int64_t count, std::int64_t padding) const {
        const auto onRealSum = total(real);
        const auto onRealCount = total(addWide(hn::Zero(U64()), realCount)) - padding;
        re += {onRealSum, onRealCount};
        im += {total(all) - onRealSum, count - onRealCount};
    }
};

HWY_INLINE Accumulator emptyAccumulator() {
    return {hn::Zero(U64()), hn::Zero(U64()), hn::Zero(I())};
}

// Sums in fp32 for a few vectors, then in double: exact enough for 1e-6, without a conversion at every step.
struct LongSum {
    VF part;
    double whole;

    HWY_INLINE void flush() {
        whole += static_cast<double>(hn::GetLane(hn::SumOfLanes(F(), part)));
        part = hn::Zero(F());
    }
};
constexpr std::int64_t kFlushEvery = 512; // entries

HWY_INLINE LongSum emptyLongSum() {
    return {hn::Zero(F()), 0};
}

// atan on [0, 1], |error| ≤ 2e-8: Abramowitz and Stegun, Handbook of Mathematical Functions, 4.4.49.
HWY_INLINE VF arcTangent(VF x) {
    const F d;
    constexpr float kCoefficients[] = {-0.0161657367F, 0.0429096138F, -0.0752896400F, 0.1065626393F,
                                       -0.1420889944F, 0.1999355085F, -0.3333314528F, 1.0F};
    const auto x2 = hn::Mul(x, x);
    auto sum = hn::Set(d, 0.0028662257F);
    for (const float coefficient : kCoefficients)
        sum = hn::MulAdd(sum, x2, hn::Set(d, coefficient));
    return hn::Mul(x, sum);
}

// Angle to the nearest axis, zero for a zero entry.
HWY_INLINE VF axisAngle(const Entry& e) {
    const F d;
    const auto absRe = hn::Abs(e.re);
    const auto absIm = hn::Abs(e.im);
    const auto large = hn::Max(absRe, absIm);
    const auto someNumber = hn::IfThenElse(hn::Eq(large, hn::Zero(d)), hn::Set(d, 1.0F), large);
    return arcTangent(hn::Div(hn::Min(absRe, absIm), someNumber));
}

HWY_INLINE VF squared(const Entry& e) {
    return hn::MulAdd(e.re, e.re, hn::Mul(e.im, e.im));
}

struct Tally {
    LongSum angle;
    LongSum energy;
    VI negativeReal;
    VI negativeImag;

    HWY_INLINE void add(const Entry& e, MF isReal) {
        const F d;
        const I di;
        angle.part = hn::Add(angle.part, axisAngle(e));
        energy.part = hn::Add(energy.part, squared(e));
        const auto reBelow = hn::And(isReal, hn::Lt(e.re, hn::Zero(d)));
        const auto imBelow = hn::AndNot(isReal, hn::Lt(e.im, hn::Zero(d)));
        negativeReal = hn::Sub(negativeReal, hn::VecFromMask(di, hn::RebindMask(di, reBelow)));
        negativeImag = hn::Sub(negativeImag, hn::VecFromMask(di, hn::RebindMask(di, imBelow)));
    }
    HWY_INLINE void flush() {
        angle.flush();
        energy.flush();
    }
    // onReal, onImag: how many of the entries added lie on each axis.
    void addTo(StageTally& tally, std::int64_t onRealCount, std::int64_t onImagCount) const {
        const auto negativeRe = total(addWide(hn::Zero(U64()), negativeReal));
        const auto negativeIm = total(addWide(hn::Zero(U64()), negativeImag));
        tally += {{onRealCount - negativeRe, onImagCount - negativeIm, negativeRe, negativeIm}, angle.whole};
    }
};

HWY_INLINE Tally emptyTally() {
    return {emptyLongSum(), emptyLongSum(), hn::Zero(I()), hn::Zero(I())};
}

std::int64_t paddingOf(const Segment& segment) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(F()));
    return (lanes - segment.count % lanes) % lanes * segment.rows;
}

std::uint32_t MaxAbsBits(const float* values, std::int64_t count) {
    const hn::RebindToUnsigned<F> du;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(du));
    const auto* bits = reinterpret_cast<const std::uint32_t*>(values);
    const auto magnitude = hn::Set(du, 0x7fffffffU);
    auto most0 = hn::Zero(du);
    auto most1 = most0;
    std::int64_t i = 0;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        most0 = hn::Max(most0, hn::And(magnitude, hn::LoadU(du, bits + i)));
        most1 = hn::Max(most1, hn::And(magnitude, hn::LoadU(du, bits + i + lanes)));
    }
    HWY_ALIGN std::uint32_t each[hn::MaxLanes(F())];
    hn::Store(hn::Max(most0, most1), du, each);
    std::uint32_t most = *std::max_element(each, each + lanes);
    for (; i < count; ++i)
        most = std::max(most, bits[i] & 0x7fffffffU);
    return most;
}

// The residual that a sum may count: lanes behind the end have one too, and are made zero (see addTo).
HWY_INLINE Pair countedResidual(const Pair& pair, std::span<const StageScale> done, std::int64_t count) {
    const F d;
    auto e = residual(pair, done);
    if (count == static_cast<std::int64_t>(hn::Lanes(d))) return e;
    const auto mask = hn::FirstN(d, static_cast<std::size_t>(count));
    return {only(mask, e.u), only(mask, e.w)};
}

void AddStageSums(const Segment& segment, std::span<const StageScale> done, float power, StageSums& sums) {
    const auto factor = hn::Set(F(), power);
    auto u = emptyAccumulator();
    auto w = emptyAccumulator();
    forEachVector(segment, [&](const Pair& pair, std::int64_t, std::int64_t, std::int64_t count) HWY_ATTR {
        const auto e = countedResidual(pair, done, count);
        u.add(e.u, onReal(e.u), factor);
        w.add(e.w, onReal(e.w), factor);
    });
    const auto entries = segment.count * segment.rows;
    u.addTo(sums.uRe, sums.uIm, entries, paddingOf(segment));
    w.addTo(sums.wRe, sums.wIm, entries, paddingOf(segment));
}

void AddStageTally(const Segment& segment, std::span<const StageScale> done, float power, StageSums& sums,
                   StageTally& uTally, StageTally& wTally, Energy* rowEnergy) {
    const auto factor = hn::Set(F(), power);
    auto u = emptyAccumulator();
    auto w = emptyAccumulator();
    auto uMore = emptyTally();
    auto wMore = emptyTally();
    forEachVector(
        segment,
        [&](const Pair& pair, std::int64_t, std::int64_t j, std::int64_t count) HWY_ATTR {
            const auto e = countedResidual(pair, done, count);
            const auto uReal = onReal(e.u);
            const auto wReal = onReal(e.w);
            u.add(e.u, uReal, factor);
            w.add(e.w, wReal, factor);
            uMore.add(e.u, uReal);
            wMore.add(e.w, wReal);
            if (j % kFlushEvery == 0) {
                uMore.flush();
                wMore.flush();
            }
        },
        [&](std::int64_t row) HWY_ATTR {
            uMore.flush();
            wMore.flush();
            rowEnergy[row].u += std::exchange(uMore.energy.whole, 0);
            rowEnergy[row].w += std::exchange(wMore.energy.whole, 0);
        });
    StageSums here;
    const auto entries = segment.count * segment.rows;
    u.addTo(here.uRe, here.uIm, entries, paddingOf(segment));
    w.addTo(here.wRe, here.wIm, entries, paddingOf(segment));
    uMore.addTo(uTally, here.uRe.count, here.uIm.count);
    wMore.addTo(wTally, here.wRe.count, here.wIm.count);
    sums += here;
}

void AddResidualEnergy(const Segment& segment, std::span<const StageScale> done, Energy* rowEnergy) {
    auto u = emptyLongSum();
    auto w = emptyLongSum();
    forEachVector(
        segment,
        [&](const Pair& pair, std::int64_t, std::int64_t j, std::int64_t count) HWY_ATTR {
            const auto e = countedResidual(pair, done, count);
            u.part = hn::Add(u.part, squared(e.u));
            w.part = hn::Add(w.part, squared(e.w));
            if (j % kFlushEvery == 0) {
                u.flush();
                w.flush();
            }
        },
        [&](std::int64_t row) HWY_ATTR {
            u.flush();
            w.flush();
            rowEnergy[row].u += std::exchange(u.whole, 0);
            rowEnergy[row].w += std::exchange(w.whole, 0);
        });
}

void ResidualPlanes(const Segment& segment, std::span<const StageScale> done, float* uRe, float* uIm,
                    float* wRe, float* wIm) {
    forEachVector(segment,
                  [&](const Pair& pair, std::int64_t row, std::int64_t j, std::int64_t count) HWY_ATTR {
                      const auto e = residual(pair, done);
                      const auto k = row * segment.count + j;
                      store(e.u.re, uRe + k, count);
                      store(e.u.im, uIm + k, count);
                      store(e.w.re, wRe + k, count);
                      store(e.w.im, wIm + k, count);
                  });
}

// Code of an entry: bit 0 the axis, bit 1 the sign.
HWY_INLINE void storeCodes(const Entry& e, std::uint8_t* to, std::int64_t count) {
    const I di;
    const auto isReal = onReal(e);
    const auto part = hn::IfThenElse(isReal, e.re, e.im);
    const auto sign = hn::ShiftLeft<1>(hn::ShiftRight<31>(hn::BitCast(hn::RebindToUnsigned<F>(), part)));
    const auto axis = hn::IfThenElse(hn::RebindMask(di, isReal), hn::Zero(di), hn::Set(di, 1));
    HWY_ALIGN std::int32_t codes[hn::MaxLanes(F())];
    hn::Store(hn::Or(hn::BitCast(di, sign), axis), di, codes);
    for (std::int64_t k = 0; k < count; ++k)
        to[k] = static_cast<std::uint8_t>(codes[k]);
}

void EncodeStages(const Segment& segment, std::span<const StageScale> stages, std::uint8_t* const* uCodes,
                  std::uint8_t* const* wCodes, std::int64_t codeStride) {
    forEachVector(segment, [&](Pair e, std::int64_t row, std::int64_t j, std::int64_t count) HWY_ATTR {
        for (std::size_t t = 0; t < stages.size(); ++t) {
            storeCodes(e.u, uCodes[t] + row * codeStride + j, count);
            storeCodes(e.w, wCodes[t] + row * codeStride + j, count);
            e = residual(e, stages.subspan(t, 1));
        }
    });
}

void Reconstruct(const Segment& segment, std::span<const StageScale> stages, const SegmentOut& out) {
    const F d;
    forEachVector(segment, [&](Pair e, std::int64_t row, std::int64_t j, std::int64_t count) HWY_ATTR {
        Pair q{{hn::Zero(d), hn::Zero(d)}, {hn::Zero(d), hn::Zero(d)}};
        for (const auto& s : stages) {
            const auto u = codeword(e.u, s.uRe, s.uIm);
            const auto w = codeword(e.w, s.wRe, s.wIm);
            e = {minus(e.u, u), minus(e.w, w)};
            q = {{hn::Add(q.u.re, u.re), hn::Add(q.u.im, u.im)},
                 {hn::Add(q.w.re, w.re), hn::Add(q.w.im, w.im)}};
        }
        const auto k = row * segment.stride + j;
        store(hn::Add(q.u.re, q.w.re), out.a11 + k, count);
        store(hn::Sub(q.w.im, q.u.im), out.a12 + k, count);
        store(hn::Add(q.u.im, q.w.im), out.a21 + k, count);
        store(hn::Sub(q.u.re, q.w.re), out.a22 + k, count);
    });
}

} // namespace
} // namespace fairy2::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fairy2::quant {

HWY_EXPORT(MaxAbsBits);
HWY_EXPORT(AddStageSums);
HWY_EXPORT(AddStageTally);
HWY_EXPORT(AddResidualEnergy);
HWY_EXPORT(ResidualPlanes);
HWY_EXPORT(EncodeStages);
HWY_EXPORT(Reconstruct);

std::uint32_t maxAbsBits(const float* values, std::int64_t count) {
    return HWY_DYNAMIC_DISPATCH(MaxAbsBits)(values, count);
}
void addStageSums(const Segment& segment, std::span<const StageScale> done, float power, StageSums& sums) {
    HWY_DYNAMIC_DISPATCH(AddStageSums)(segment, done, power, sums);
}
void addStageTally(const Segment& segment, std::span<const StageScale> done, float power, StageSums& sums,
                   StageTally& u, StageTally& w, Energy* rowEnergy) {
    HWY_DYNAMIC_DISPATCH(AddStageTally)(segment, done, power, sums, u, w, rowEnergy);
}
void addResidualEnergy(const Segment& segment, std::span<const StageScale> done, Energy* rowEnergy) {
    HWY_DYNAMIC_DISPATCH(AddResidualEnergy)(segment, done, rowEnergy);
}
void residualPlanes(const Segment& segment, std::span<const StageScale> done, float* uRe, float* uIm,
                    float* wRe, float* wIm) {
    HWY_DYNAMIC_DISPATCH(ResidualPlanes)(segment, done, uRe, uIm, wRe, wIm);
}
void encodeStages(const Segment& segment, std::span<const StageScale> stages, std::uint8_t* const* uCodes,
                  std::uint8_t* const* wCodes, std::int64_t codeStride) {
    HWY_DYNAMIC_DISPATCH(EncodeStages)(segment, stages, uCodes, wCodes, codeStride);
}
void reconstruct(const Segment& segment, std::span<const StageScale> stages, const SegmentOut& out) {
    HWY_DYNAMIC_DISPATCH(Reconstruct)(segment, stages, out);
}

} // namespace fairy2::quant
#endif
