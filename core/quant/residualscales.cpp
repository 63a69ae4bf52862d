// SPDX-License-Identifier: Apache-2.0
#include "quant/residualscales.h"

#include "base/threads.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <fmt/format.h>
#include <mutex>

namespace fairy2::quant {
namespace {

constexpr std::uint32_t kInfinityBits = 0x7f800000;
constexpr std::int64_t kBandEntries = 1 << 15; // complex entries of a band: 512 KiB of A
constexpr std::int64_t kWorthAThread = 1 << 15;

std::uint32_t blockMaxAbsBits(MatrixView a, const Block& block) {
    std::uint32_t most = 0;
    const auto s = segmentOf(a, block);
    for (const float* run : {s.a11, s.a12, s.a21, s.a22})
        for (std::int64_t row = 0; row < s.rows; ++row)
            most = std::max(most, maxAbsBits(run + row * s.stride, s.count));
    return most;
}

StageScale scalesOf(const StageSums& sums, float power) {
    return {scaleOf(sums.uRe, power), scaleOf(sums.uIm, power), scaleOf(sums.wRe, power),
            scaleOf(sums.wIm, power)};
}

// Runs body(block) for all blocks, but without threads where starting them costs more than the work.
void forBlocks(MatrixView a, const std::vector<Block>& blocks, int threads,
               const std::function<void(const Block&)>& body) {
    if (threads == 0 && a.rows * a.cols / 4 < kWorthAThread) threads = 1;
    base::parallelFor(
        static_cast<std::int64_t>(blocks.size()),
        [&](std::int64_t i) { body(blocks[static_cast<std::size_t>(i)]); }, threads);
}

} // namespace

std::vector<Block> scaleBlocks(ScaleGranularity scale, std::int64_t n, std::int64_t m) {
    std::vector<Block> blocks;
    const auto height = scale == ScaleGranularity::Row      ? 1
                        : scale == ScaleGranularity::Tile64 ? 64
                                                            : std::max<std::int64_t>(1, kBandEntries / m);
    const auto width = scale == ScaleGranularity::Tile64 ? 64 : m;
    for (std::int64_t row = 0; row < n; row += height)
        for (std::int64_t col = 0; col < m; col += width)
            blocks.push_back({row, std::min(n, row + height), col, std::min(m, col + width), blocks.size()});
    return blocks;
}

Segment segmentOf(MatrixView a, const Block& block) noexcept {
    const float* top = a.data + block.row0 * a.cols + block.col0;
    const float* bottom = top + a.rows / 2 * a.cols;
    const auto m = a.cols / 2;
    return {top, top + m, bottom, bottom + m, block.col1 - block.col0, block.row1 - block.row0, a.cols};
}

base::Result<void> checkQuantizable(MatrixView a, const LayerRecipe& recipe) {
    FAIRY2_TRY(checkHalves(a));
    if (recipe.stages < 1 || recipe.stages > kMaxStages)
        return base::badInput(fmt::format("{} residual stages", recipe.stages), {}, "stages",
                              fmt::format("use 1 to {}", kMaxStages));
    return {};
}

std::int64_t countNonFinite(MatrixView a) {
    const auto* bits = reinterpret_cast<const std::uint32_t*>(a.data);
    return std::count_if(bits, bits + a.rows * a.cols,
                         [](std::uint32_t each) { return (each & 0x7fffffffU) >= kInfinityBits; });
}

base::Result<void> checkFinite(MatrixView a) {
    const auto bad = countNonFinite(a);
    if (bad == 0) return {};
    return base::badInput(fmt::format("{} of {} entries are NaN or infinite", bad, a.rows * a.cols), {}, {},
                          "the weights are damaged: fetch or export them again");
}

base::Result<void> withStageScales(MatrixView a, const LayerRecipe& recipe, int threads,
                                   const BlockVisitor& finish, const StageVisitor& visit) {
    FAIRY2_TRY(checkQuantizable(a, recipe));
    const auto stageSums = [&](const Block& block, StageScales done, float power) {
        if (visit) return visit(block, done, power);
        StageSums sums;
        addStageSums(segmentOf(a, block), done, power, sums);
        return sums;
    };
    const auto blocks = scaleBlocks(recipe.scale, a.rows / 2, a.cols / 2);
    const auto stages = static_cast<std::size_t>(recipe.stages);
    std::atomic<bool> finite{true};

    if (recipe.scale != ScaleGranularity::Tensor) {
        forBlocks(a, blocks, threads, [&](const Block& block) {
            const auto most = blockMaxAbsBits(a, block);
            if (most >= kInfinityBits) finite = false;
            if (!finite) return;
            const auto power = scalePower(std::bit_cast<float>(most));
            std::array<StageScale, kMaxStages> scales;
            for (std::size_t t = 0; t < stages; ++t)
                scales[t] = scalesOf(stageSums(block, {scales.data(), t}, power), power);
            finish(block, {scales.data(), stages});
        });
        return finite ? base::Result<void>() : checkFinite(a);
    }

    std::mutex merging;
    std::uint32_t most = 0;
    forBlocks(a, blocks, threads, [&](const Block& block) {
        const auto here = blockMaxAbsBits(a, block);
        const std::lock_guard lock(merging);
        most = std::max(most, here);
    });
    if (most >= kInfinityBits) return checkFinite(a);
    const auto power = scalePower(std::bit_cast<float>(most));
    std::array<StageScale, kMaxStages> scales;
    for (std::size_t t = 0; t < stages; ++t) {
        StageSums sums;
        forBlocks(a, blocks, threads, [&](const Block& block) {
            const auto here = stageSums(block, {scales.data(), t}, power);
            const std::lock_guard lock(merging);
            sums += here;
        });
        scales[t] = scalesOf(sums, power);
    }
    forBlocks(a, blocks, threads, [&](const Block& block) { finish(block, {scales.data(), stages}); });
    return {};
}

} // namespace fairy2::quant
