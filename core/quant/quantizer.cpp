// SPDX-License-Identifier: Apache-2.0
#include "quant/quantizer.h"

#include "base/threads.h"
#include "quant/phase.h"
#include "quant/phasekernels.h"
#include "quant/residualscales.h"

#include <array>
#include <cmath>
#include <fmt/format.h>

namespace fairy2::quant {
namespace {

/// Codes and scales of a matrix with room for everything, still zero.
QuantizedMatrix emptyCodes(MatrixView a, const LayerRecipe& recipe) {
    QuantizedMatrix q;
    q.rows = a.rows;
    q.cols = a.cols;
    q.scale = recipe.scale;
    const auto n = a.rows / 2;
    const auto m = a.cols / 2;
    const auto groups = static_cast<std::size_t>(scaleGroups(recipe.scale, n, m));
    StageCodes codes;
    codes.codes.resize(static_cast<std::size_t>(n * m));
    codes.sRe.assign(groups, kScaleFloor);
    codes.sIm.assign(groups, kScaleFloor);
    q.stages.assign(static_cast<std::size_t>(recipe.stages), {codes, codes});
    return q;
}

// What one code of each kind adds to Re and Im.
struct Codebook {
    std::array<float, 4> re;
    std::array<float, 4> im;
};
Codebook codebook(float sRe, float sIm) {
    return {{sRe, 0.0F, -sRe, 0.0F}, {0.0F, sIm, 0.0F, -sIm}};
}

void dequantizeBlock(const QuantizedMatrix& q, std::int64_t group, const Block& block, float* out) {
    const auto n = q.rows / 2;
    const auto m = q.cols / 2;
    std::array<Codebook, kMaxStages> u{};
    std::array<Codebook, kMaxStages> w{};
    const auto g = static_cast<std::size_t>(group);
    for (std::size_t t = 0; t < q.stages.size(); ++t) {
        u[t] = codebook(q.stages[t].u.sRe[g], q.stages[t].u.sIm[g]);
        w[t] = codebook(q.stages[t].w.sRe[g], q.stages[t].w.sIm[g]);
    }
    for (auto row = block.row0; row < block.row1; ++row) {
        float* top = out + row * q.cols;
        float* bottom = out + (row + n) * q.cols;
        for (auto col = block.col0; col < block.col1; ++col) {
            const auto k = static_cast<std::size_t>(row * m + col);
            float uRe = 0;
            float uIm = 0;
            float wRe = 0;
            float wIm = 0;
            for (std::size_t t = 0; t < q.stages.size(); ++t) {
                const auto uCode = q.stages[t].u.codes[k] & 3U;
                const auto wCode = q.stages[t].w.codes[k] & 3U;
                uRe += u[t].re[uCode];
                uIm += u[t].im[uCode];
                wRe += w[t].re[wCode];
                wIm += w[t].im[wCode];
            }
            top[col] = uRe + wRe;
            top[m + col] = wIm - uIm;
            bottom[col] = uIm + wIm;
            bottom[m + col] = uRe - wRe;
        }
    }
}

// One of the two complex matrices in double, and what each stage makes of it.
struct Reference {
    std::int64_t n, m;
    ScaleGranularity scale;
    std::vector<double> re, im;

    StageCodes quantizeStage();
};

StageCodes Reference::quantizeStage() {
    const auto groups = static_cast<std::size_t>(scaleGroups(scale, n, m));
    std::vector<double> sumRe(groups), sumIm(groups), countRe(groups), countIm(groups);
    StageCodes stage;
    stage.codes.resize(re.size());
    const auto groupOf = [&](std::size_t k) {
        const auto index = static_cast<std::int64_t>(k);
        return static_cast<std::size_t>(scaleGroupOf(scale, m, index / m, index % m));
    };
    for (std::size_t k = 0; k < re.size(); ++k) {
        const auto phase = phaseOf(re[k], im[k]);
        const auto g = groupOf(k);
        stage.codes[k] = static_cast<std::uint8_t>(phase);
        (onRealAxis(phase) ? sumRe : sumIm)[g] += std::abs(onRealAxis(phase) ? re[k] : im[k]);
        (onRealAxis(phase) ? countRe : countIm)[g] += 1;
    }
    const auto mean = [](double sum, double count) {
        return count > 0 ? std::max(static_cast<float>(sum / count), kScaleFloor) : kScaleFloor;
    };
    for (std::size_t g = 0; g < groups; ++g) {
        stage.sRe.push_back(mean(sumRe[g], countRe[g]));
        stage.sIm.push_back(mean(sumIm[g], countIm[g]));
    }
    for (std::size_t k = 0; k < re.size(); ++k) {
        const auto phase = static_cast<Phase>(stage.codes[k]);
        const auto g = groupOf(k);
        if (onRealAxis(phase))
            re[k] -= signOf(phase) * static_cast<double>(stage.sRe[g]);
        else
            im[k] -= signOf(phase) * static_cast<double>(stage.sIm[g]);
    }
    return stage;
}

} // namespace

std::int64_t scaleGroups(ScaleGranularity scale, std::int64_t n, std::int64_t m) noexcept {
    switch (scale) {
    case ScaleGranularity::Tensor:
        return 1;
    case ScaleGranularity::Row:
        return n;
    case ScaleGranularity::Tile64:
        return ((n + 63) / 64) * ((m + 63) / 64);
    }
    return 1;
}

std::int64_t scaleGroupOf(ScaleGranularity scale, std::int64_t m, std::int64_t row,
                          std::int64_t col) noexcept {
    switch (scale) {
    case ScaleGranularity::Tensor:
        return 0;
    case ScaleGranularity::Row:
        return row;
    case ScaleGranularity::Tile64:
        return row / 64 * ((m + 63) / 64) + col / 64;
    }
    return 0;
}

base::Result<void> fakeQuantize(MatrixView a, const LayerRecipe& recipe, float* out, int threads) {
    return withStageScales(a, recipe, threads, [&](const Block& block, StageScales scales) {
        float* top = out + block.row0 * a.cols + block.col0;
        float* bottom = top + a.rows / 2 * a.cols;
        const auto m = a.cols / 2;
        reconstruct(segmentOf(a, block), scales, {top, top + m, bottom, bottom + m});
    });
}

base::Result<std::vector<float>> fakeQuantize(MatrixView a, const LayerRecipe& recipe, int threads) {
    std::vector<float> out(static_cast<std::size_t>(std::max<std::int64_t>(0, a.rows * a.cols)));
    FAIRY2_TRY(fakeQuantize(a, recipe, out.data(), threads));
    return out;
}

base::Result<QuantizedMatrix> quantize(MatrixView a, const LayerRecipe& recipe, int threads) {
    FAIRY2_TRY(checkQuantizable(a, recipe));
    auto q = emptyCodes(a, recipe);
    const auto m = a.cols / 2;
    FAIRY2_TRY(withStageScales(a, recipe, threads, [&](const Block& block, StageScales scales) {
        const auto g = static_cast<std::size_t>(scaleGroupOf(recipe.scale, m, block.row0, block.col0));
        // A tensor-wide group comes in several blocks; one of them writes its scales.
        const bool first = recipe.scale != ScaleGranularity::Tensor || block.row0 == 0;
        for (std::size_t t = 0; first && t < scales.size(); ++t) {
            q.stages[t].u.sRe[g] = scales[t].uRe;
            q.stages[t].u.sIm[g] = scales[t].uIm;
            q.stages[t].w.sRe[g] = scales[t].wRe;
            q.stages[t].w.sIm[g] = scales[t].wIm;
        }
        std::array<std::uint8_t*, kMaxStages> u{};
        std::array<std::uint8_t*, kMaxStages> w{};
        const auto start = block.row0 * m + block.col0;
        for (std::size_t t = 0; t < scales.size(); ++t) {
            u[t] = q.stages[t].u.codes.data() + start;
            w[t] = q.stages[t].w.codes.data() + start;
        }
        encodeStages(segmentOf(a, block), scales, u.data(), w.data(), m);
    }));
    return q;
}

std::vector<float> dequantize(const QuantizedMatrix& q, int threads) {
    std::vector<float> out(static_cast<std::size_t>(q.rows * q.cols));
    const auto blocks = scaleBlocks(q.scale, q.rows / 2, q.cols / 2);
    base::parallelFor(
        static_cast<std::int64_t>(blocks.size()),
        [&](std::int64_t i) {
            const auto& block = blocks[static_cast<std::size_t>(i)];
            const auto group = scaleGroupOf(q.scale, q.cols / 2, block.row0, block.col0);
            dequantizeBlock(q, group, block, out.data());
        },
        threads);
    return out;
}

base::Result<QuantizedMatrix> quantizeReference(MatrixView a, const LayerRecipe& recipe) {
    FAIRY2_TRY(checkQuantizable(a, recipe));
    FAIRY2_TRY(checkFinite(a));
    const auto n = a.rows / 2;
    const auto m = a.cols / 2;
    Reference u{n, m, recipe.scale, {}, {}};
    Reference w = u;
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < m; ++j) {
            const auto entry = widelyLinearAt(a, i, j);
            u.re.push_back(entry.uRe);
            u.im.push_back(entry.uIm);
            w.re.push_back(entry.wRe);
            w.im.push_back(entry.wIm);
        }
    }
    QuantizedMatrix q;
    q.rows = a.rows;
    q.cols = a.cols;
    q.scale = recipe.scale;
    for (int t = 0; t < recipe.stages; ++t)
        q.stages.push_back({u.quantizeStage(), w.quantizeStage()});
    return q;
}

double bitsPerWeight(std::int64_t rows, std::int64_t cols, const LayerRecipe& recipe) noexcept {
    const auto groups = static_cast<double>(scaleGroups(recipe.scale, rows / 2, cols / 2));
    const double scaleBits = recipe.scale == ScaleGranularity::Tensor ? 32 : 16;
    const auto weights = static_cast<double>(rows * cols);
    // Two complex matrices of weights/4 entries, 2 bits a code; four scales a group (Re and Im of U and W).
    return recipe.stages * (1.0 + 4.0 * groups * scaleBits / weights);
}

} // namespace fairy2::quant
