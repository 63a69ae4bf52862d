// SPDX-License-Identifier: Apache-2.0
#include "quant/analysis.h"

#include "base/threads.h"
#include "quant/residualscales.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numbers>
#include <numeric>

namespace fairy2::quant {
namespace {

double ratio(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

double decibel(double relativeError) {
    return relativeError > 0 ? -10 * std::log10(relativeError) : std::numeric_limits<double>::infinity();
}

double entropyBits(const std::array<std::int64_t, 4>& counts) {
    const auto total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    double bits = 0;
    for (const auto count : counts) {
        const double p = ratio(static_cast<double>(count), static_cast<double>(total));
        if (p > 0) bits -= p * std::log2(p);
    }
    return bits;
}

// What was seen in one block. Blocks are added up in their order, so threads cannot change a figure.
struct BlockTally {
    struct Stage {
        StageTally u;
        StageTally w;
        StageScale scale;
    };
    std::array<Stage, kMaxStages> stages;
    std::vector<std::array<Energy, kMaxStages + 1>>
        rows; ///< residual energy before each stage, and at the end
};

// Energies of row r of the block, stage by stage, from arrays stage by stage.
void keepEnergies(BlockTally& tally, std::size_t stage, const std::vector<Energy>& energies) {
    tally.rows.resize(energies.size());
    for (std::size_t row = 0; row < energies.size(); ++row)
        tally.rows[row][stage] = energies[row];
}

StageStatistics statistics(const StageTally& tally, double sRe, double sIm) {
    const auto entries = std::accumulate(tally.counts.begin(), tally.counts.end(), std::int64_t{0});
    const double meanAngle = ratio(tally.angle, static_cast<double>(entries));
    return {sRe, sIm, tally.counts, entropyBits(tally.counts), std::numbers::pi / 4 - meanAngle};
}

LayerReport::Stage stageOf(const std::vector<BlockTally>& tallies, std::size_t t) {
    BlockTally::Stage sum;
    std::array<double, 4> scales{};
    for (const auto& tally : tallies) {
        const auto& stage = tally.stages[t];
        sum.u += stage.u;
        sum.w += stage.w;
        scales[0] += static_cast<double>(stage.scale.uRe);
        scales[1] += static_cast<double>(stage.scale.uIm);
        scales[2] += static_cast<double>(stage.scale.wRe);
        scales[3] += static_cast<double>(stage.scale.wIm);
    }
    // Bands of one tensor-wide group all carry its scale, so the mean over blocks is the mean over groups.
    const auto blocks = static_cast<double>(tallies.size());
    return {statistics(sum.u, scales[0] / blocks, scales[1] / blocks),
            statistics(sum.w, scales[2] / blocks, scales[3] / blocks), 0};
}

void addEnergies(LayerReport& report, const std::vector<BlockTally>& tallies,
                 const std::vector<Block>& blocks) {
    const auto stages = report.stages.size();
    std::vector<std::array<Energy, kMaxStages + 1>> rows(static_cast<std::size_t>(report.rows / 2));
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        for (std::size_t r = 0; r < tallies[b].rows.size(); ++r) {
            for (std::size_t t = 0; t <= stages; ++t) {
                auto& sum = rows[static_cast<std::size_t>(blocks[b].row0) + r][t];
                sum.u += tallies[b].rows[r][t].u;
                sum.w += tallies[b].rows[r][t].w;
            }
        }
    }
    std::array<Energy, kMaxStages + 1> all{};
    for (const auto& row : rows) {
        for (std::size_t t = 0; t <= stages; ++t) {
            all[t].u += row[t].u;
            all[t].w += row[t].w;
        }
        const double error = ratio(row[stages].u + row[stages].w, row[0].u + row[0].w);
        report.rowSqnrDb.push_back(static_cast<float>(decibel(error)));
    }
    const double whole = all[0].u + all[0].w;
    for (std::size_t t = 0; t < stages; ++t)
        report.stages[t].residualEnergy = ratio(all[t + 1].u + all[t + 1].w, whole);
    report.relativeError = report.stages.back().residualEnergy;
    report.sqnrDb = decibel(report.relativeError);
    report.uEnergyShare = ratio(all[0].u, whole);
    report.energy = 2 * whole; // U and W are half the size of A, in energy
}

constexpr double kLeastExtent = 1e-30; // below it bins per unit overflow fp32

// Magnitudes by the upper half of their bits: 2^7 steps an octave, whatever their range.
class MagnitudeHistogram {
public:
    void add(float value) { ++m_counts[(std::bit_cast<std::uint32_t>(value) & 0x7fffffffU) >> 16]; }
    void add(const MagnitudeHistogram& other) {
        for (std::size_t i = 0; i < m_counts.size(); ++i)
            m_counts[i] += other.m_counts[i];
    }
    // Where `share` of the magnitudes lie below, linear inside a step.
    [[nodiscard]] double quantile(double share) const {
        const auto total = std::accumulate(m_counts.begin(), m_counts.end(), std::int64_t{0});
        const double wanted = share * static_cast<double>(total);
        double below = 0;
        for (std::size_t i = 0; i < m_counts.size(); ++i) {
            const auto here = static_cast<double>(m_counts[i]);
            if (here > 0 && below + here >= wanted) {
                const double low = edge(i);
                return low + (edge(i + 1) - low) * (wanted - below) / here;
            }
            below += here;
        }
        return 0;
    }

private:
    static double edge(std::size_t i) {
        return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(i) << 16));
    }
    std::vector<std::int64_t> m_counts = std::vector<std::int64_t>(1 << 15);
};

// Residual of one block as planes, band after band small enough for the cache.
struct Planes {
    std::vector<float> uRe, uIm, wRe, wIm;

    void fill(MatrixView a, const Block& band, StageScales done) {
        const auto size = static_cast<std::size_t>((band.row1 - band.row0) * (band.col1 - band.col0));
        for (auto* plane : {&uRe, &uIm, &wRe, &wIm})
            plane->resize(size);
        residualPlanes(segmentOf(a, band), done, uRe.data(), uIm.data(), wRe.data(), wIm.data());
    }
};

void count(PhaseDensity& density, const std::vector<float>& re, const std::vector<float>& im) {
    const auto bins = density.bins;
    const auto perUnit = static_cast<float>(bins / (2 * density.extent));
    const auto middle = static_cast<float>(bins) / 2;
    const auto binOf = [&](float value) {
        const float bin = std::clamp(value * perUnit + middle, 0.0F, static_cast<float>(bins - 1));
        return static_cast<std::size_t>(bin);
    };
    for (std::size_t k = 0; k < re.size(); ++k)
        ++density.counts[binOf(im[k]) * static_cast<std::size_t>(bins) + binOf(re[k])];
}

PhaseDensity emptyDensity(int bins, double extent) {
    PhaseDensity density;
    density.bins = bins;
    density.extent = extent;
    density.counts.resize(static_cast<std::size_t>(bins) * static_cast<std::size_t>(bins));
    return density;
}

// The scales of the earlier stages of every block; found once, used for the extent and for the counting.
struct DoneScales {
    std::vector<Block> blocks;
    std::vector<std::array<StageScale, kMaxStages>> scales;
};

// Calls body(planes of the residual, worker) for every block.
template <typename Body>
void forEachResidual(MatrixView a, const DoneScales& done, std::size_t stage, int workers, const Body& body) {
    const auto blocks = static_cast<std::int64_t>(done.blocks.size());
    base::parallelFor(
        workers,
        [&](std::int64_t worker) {
            Planes planes;
            for (auto b = worker; b < blocks; b += workers) {
                const auto index = static_cast<std::size_t>(b);
                planes.fill(a, done.blocks[index], {done.scales[index].data(), stage});
                body(planes, static_cast<std::size_t>(worker));
            }
        },
        workers);
}

double densityExtent(MatrixView a, const DoneScales& done, std::size_t stage, int workers) {
    std::vector<MagnitudeHistogram> histograms(static_cast<std::size_t>(workers));
    forEachResidual(a, done, stage, workers, [&](const Planes& planes, std::size_t worker) {
        for (const auto* plane : {&planes.uRe, &planes.uIm, &planes.wRe, &planes.wIm})
            for (const float value : *plane)
                histograms[worker].add(value);
    });
    for (std::size_t i = 1; i < histograms.size(); ++i)
        histograms[0].add(histograms[i]);
    const double extent = histograms[0].quantile(0.999);
    return extent > kLeastExtent ? extent : 1; // all zero: any window shows the same point
}

void addScales(PhasePlane& plane, const LayerReport::Stage& stage, double entries) {
    const auto fill = [&](PhaseDensity& density, const StageStatistics& from) {
        density.sRe = from.sRe;
        density.sIm = from.sIm;
        for (std::size_t code = 0; code < 4; ++code)
            density.share[code] = static_cast<double>(from.counts[code]) / entries;
    };
    fill(plane.u, stage.u);
    fill(plane.w, stage.w);
}

} // namespace

base::Result<LayerReport> analyze(const std::string& name, MatrixView a, const LayerRecipe& recipe,
                                  int threads) {
    FAIRY2_TRY(checkQuantizable(a, recipe));
    LayerReport report;
    report.name = name;
    report.rows = a.rows;
    report.cols = a.cols;
    report.recipe = recipe;
    const auto blocks = scaleBlocks(recipe.scale, a.rows / 2, a.cols / 2);
    const auto stages = static_cast<std::size_t>(recipe.stages);
    std::vector<BlockTally> tallies(blocks.size());
    const auto found = withStageScales(
        a, recipe, threads,
        [&](const Block& block, StageScales scales) {
            auto& tally = tallies[block.index];
            for (std::size_t t = 0; t < stages; ++t)
                tally.stages[t].scale = scales[t];
            std::vector<Energy> energies(static_cast<std::size_t>(block.row1 - block.row0));
            addResidualEnergy(segmentOf(a, block), scales, energies.data());
            keepEnergies(tally, stages, energies);
        },
        [&](const Block& block, StageScales done, float power) {
            auto& tally = tallies[block.index];
            auto& stage = tally.stages[done.size()];
            std::vector<Energy> energies(static_cast<std::size_t>(block.row1 - block.row0));
            StageSums sums;
            addStageTally(segmentOf(a, block), done, power, sums, stage.u, stage.w, energies.data());
            keepEnergies(tally, done.size(), energies);
            return sums;
        });
    if (!found) {
        report.nonFinite = countNonFinite(a);
        return report;
    }
    for (std::size_t t = 0; t < stages; ++t)
        report.stages.push_back(stageOf(tallies, t));
    addEnergies(report, tallies, blocks);
    return report;
}

base::Json LayerReport::toJson() const {
    const auto half = [](const StageStatistics& s) {
        return base::Json{{"s_re", s.sRe},
                          {"s_im", s.sIm},
                          {"counts", s.counts},
                          {"entropy_bits", s.entropyBits},
                          {"boundary_distance", s.boundaryDistance}};
    };
    auto list = base::Json::array();
    for (const auto& stage : stages)
        list.push_back(
            {{"residual_energy", stage.residualEnergy}, {"U", half(stage.u)}, {"W", half(stage.w)}});
    // JSON has no infinity: a layer that loses nothing has null decibels.
    return {{"name", name},
            {"rows", rows},
            {"cols", cols},
            {"scale_granularity", quant::name(recipe.scale)},
            {"bits_per_weight", bitsPerWeight(rows, cols, recipe)},
            {"sqnr_db", std::isfinite(sqnrDb) ? base::Json(sqnrDb) : base::Json()},
            {"relative_error", relativeError},
            {"energy", energy},
            {"u_energy_share", uEnergyShare},
            {"non_finite", nonFinite},
            {"stages", std::move(list)}};
}

base::Result<PhasePlane> phasePlane(MatrixView a, const LayerRecipe& recipe, int stage, int bins,
                                    double extent) {
    FAIRY2_TRY(checkQuantizable(a, recipe));
    if (stage < 0 || stage > recipe.stages)
        return base::badInput(fmt::format("stage {} of a layer with {}", stage, recipe.stages), {}, "stage",
                              fmt::format("use 0 to {}", recipe.stages));
    if (bins < 1 || bins > 4096)
        return base::badInput(fmt::format("{} bins", bins), {}, "bins", "use 1 to 4096");
    const auto shown = static_cast<std::size_t>(stage);

    LayerRecipe upTo = recipe;
    upTo.stages = std::clamp(stage + 1, 1, recipe.stages);
    FAIRY2_ASSIGN(const auto report, analyze({}, a, upTo));
    if (report.nonFinite > 0) FAIRY2_TRY(checkFinite(a));

    DoneScales done;
    done.blocks = scaleBlocks(recipe.scale, a.rows / 2, a.cols / 2);
    done.scales.resize(done.blocks.size());
    if (stage > 0) {
        upTo.stages = stage;
        FAIRY2_TRY(withStageScales(a, upTo, 0, [&](const Block& block, StageScales scales) {
            std::copy(scales.begin(), scales.end(), done.scales[block.index].begin());
        }));
    }
    const int workers = base::threadCount();
    if (extent <= kLeastExtent) extent = densityExtent(a, done, shown, workers);

    PhasePlane plane{emptyDensity(bins, extent), emptyDensity(bins, extent)};
    std::vector<PhasePlane> parts(static_cast<std::size_t>(workers), plane);
    forEachResidual(a, done, shown, workers, [&](const Planes& planes, std::size_t worker) {
        count(parts[worker].u, planes.uRe, planes.uIm);
        count(parts[worker].w, planes.wRe, planes.wIm);
    });
    for (const auto& part : parts) {
        for (std::size_t i = 0; i < plane.u.counts.size(); ++i) {
            plane.u.counts[i] += part.u.counts[i];
            plane.w.counts[i] += part.w.counts[i];
        }
    }
    if (stage < recipe.stages)
        addScales(plane, report.stages[shown], static_cast<double>(a.rows / 2 * (a.cols / 2)));
    return plane;
}

} // namespace fairy2::quant
