// SPDX-License-Identifier: Apache-2.0
#include "quant/phasekernels.h"

#include <algorithm>
#include <array>

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

// Calls body(pair of vectors, first entry, how many of the lanes are real entries). Lanes behind the end are
// zero.
template <typename Body>
HWY_INLINE void forEachVector(const Segment& segment, const Body& body) {
    const F d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    std::int64_t j = 0;
    for (; j + lanes <= segment.count; j += lanes)
        body(split(hn::LoadU(d, segment.a11 + j), hn::LoadU(d, segment.a12 + j),
                   hn::LoadU(d, segment.a21 + j), hn::LoadU(d, segment.a22 + j)),
             j, lanes);
    const auto rest = segment.count - j;
    if (rest == 0) return;
    const auto load = [&](const float* from) HWY_ATTR {
        HWY_ALIGN float padded[hn::MaxLanes(F())] = {};
        std::copy_n(from + j, rest, padded);
        return hn::Load(d, padded);
    };
    body(split(load(segment.a11), load(segment.a12), load(segment.a21), load(segment.a22)), j, rest);
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

    HWY_INLINE void add(const Entry& e, VF power) {
        const I di;
        const auto dominant = hn::Max(hn::Abs(e.re), hn::Abs(e.im));
        const auto terms = hn::NearestInt(hn::Mul(dominant, power));
        const auto isReal = hn::RebindMask(di, onReal(e));
        all = addWide(all, terms);
        real = addWide(real, hn::IfThenElseZero(isReal, terms));
        realCount = hn::Sub(realCount, hn::VecFromMask(di, isReal)); // a true lane is −1
    }
    // `padding` zero lanes were counted on the real axis.
    void addTo(ScaleSum& re, ScaleSum& im, std::int64_t count, std::int64_t padding) const {
        const auto onRealSum = total(real);
        const auto onRealCount = total(addWide(hn::Zero(U64()), realCount)) - padding;
        re += {onRealSum, onRealCount};
        im += {total(all) - onRealSum, count - onRealCount};
    }
};

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

void AddStageSums(const Segment& segment, std::span<const StageScale> done, float power, StageSums& sums) {
    const F d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto factor = hn::Set(d, power);
    Accumulator u{hn::Zero(U64()), hn::Zero(U64()), hn::Zero(I())};
    auto w = u;
    forEachVector(segment, [&](const Pair& pair, std::int64_t, std::int64_t count) HWY_ATTR {
        auto e = residual(pair, done);
        if (count < lanes) { // empty lanes have a residual too; as zeros they only count, see addTo
            const auto mask = hn::FirstN(d, static_cast<std::size_t>(count));
            e = {only(mask, e.u), only(mask, e.w)};
        }
        u.add(e.u, factor);
        w.add(e.w, factor);
    });
    const auto padding = (lanes - segment.count % lanes) % lanes;
    u.addTo(sums.uRe, sums.uIm, segment.count, padding);
    w.addTo(sums.wRe, sums.wIm, segment.count, padding);
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
                  std::uint8_t* const* wCodes) {
    forEachVector(segment, [&](Pair e, std::int64_t j, std::int64_t count) HWY_ATTR {
        for (std::size_t t = 0; t < stages.size(); ++t) {
            storeCodes(e.u, uCodes[t] + j, count);
            storeCodes(e.w, wCodes[t] + j, count);
            e = residual(e, stages.subspan(t, 1));
        }
    });
}

void Reconstruct(const Segment& segment, std::span<const StageScale> stages, const SegmentOut& out) {
    const F d;
    forEachVector(segment, [&](Pair e, std::int64_t j, std::int64_t count) HWY_ATTR {
        Pair q{{hn::Zero(d), hn::Zero(d)}, {hn::Zero(d), hn::Zero(d)}};
        for (const auto& s : stages) {
            const auto u = codeword(e.u, s.uRe, s.uIm);
            const auto w = codeword(e.w, s.wRe, s.wIm);
            e = {minus(e.u, u), minus(e.w, w)};
            q = {{hn::Add(q.u.re, u.re), hn::Add(q.u.im, u.im)},
                 {hn::Add(q.w.re, w.re), hn::Add(q.w.im, w.im)}};
        }
        store(hn::Add(q.u.re, q.w.re), out.a11 + j, count);
        store(hn::Sub(q.w.im, q.u.im), out.a12 + j, count);
        store(hn::Add(q.u.im, q.w.im), out.a21 + j, count);
        store(hn::Sub(q.u.re, q.w.re), out.a22 + j, count);
    });
}

} // namespace
} // namespace fairy2::quant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fairy2::quant {

HWY_EXPORT(MaxAbsBits);
HWY_EXPORT(AddStageSums);
HWY_EXPORT(EncodeStages);
HWY_EXPORT(Reconstruct);

std::uint32_t maxAbsBits(const float* values, std::int64_t count) {
    return HWY_DYNAMIC_DISPATCH(MaxAbsBits)(values, count);
}
void addStageSums(const Segment& segment, std::span<const StageScale> done, float power, StageSums& sums) {
    HWY_DYNAMIC_DISPATCH(AddStageSums)(segment, done, power, sums);
}
void encodeStages(const Segment& segment, std::span<const StageScale> stages, std::uint8_t* const* uCodes,
                  std::uint8_t* const* wCodes) {
    HWY_DYNAMIC_DISPATCH(EncodeStages)(segment, stages, uCodes, wCodes);
}
void reconstruct(const Segment& segment, std::span<const StageScale> stages, const SegmentOut& out) {
    HWY_DYNAMIC_DISPATCH(Reconstruct)(segment, stages, out);
}

} // namespace fairy2::quant
#endif
