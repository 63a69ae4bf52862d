// SPDX-License-Identifier: Apache-2.0
#include "pack/packedlayer.h"

#include "base/threads.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace fairy2::pack {
namespace {

constexpr std::int64_t kTileRows = 32;
constexpr std::int64_t kTileCols = 64;
constexpr std::uint64_t kAlignment = 64;
constexpr std::int64_t kTilesWorthAThread = 64;

using quant::kScaleFloor;
using quant::QuantizedMatrix;

// Calls body(byte index, column of codes, bytes of the column, rows of the tile) for every column of every
// stage of a row of tiles; `entry` is the index of the column's first code.
template <typename Body>
void forEachColumn(const PackedShape& shape, std::int64_t tileRow, const Body& body) {
    const auto n = shape.rows / 2;
    const auto m = shape.cols / 2;
    const auto firstRow = tileRow * kTileRows;
    const auto height = std::min(kTileRows, n - firstRow);
    const auto bytes = (height + 1) / 2;
    auto offset = kTileRows / 2 * tileRow * m * shape.stages;
    for (std::int64_t col0 = 0; col0 < m; col0 += kTileCols) {
        const auto col1 = std::min(m, col0 + kTileCols);
        for (int t = 0; t < shape.stages; ++t)
            for (auto col = col0; col < col1; ++col, offset += bytes)
                body(static_cast<std::size_t>(offset), static_cast<std::size_t>(t),
                     static_cast<std::size_t>(firstRow * m + col), bytes, height);
    }
}

template <typename Body>
void forEachTileRow(const PackedShape& shape, const Body& body) {
    const auto tileRows = (shape.rows / 2 + kTileRows - 1) / kTileRows;
    const auto tiles = tileRows * ((shape.cols / 2 + kTileCols - 1) / kTileCols);
    base::parallelFor(tileRows, body, tiles < kTilesWorthAThread ? 1 : 0);
}

unsigned nibble(const QuantizedMatrix::Stage& stage, std::size_t entry) {
    return stage.u.codes[entry] | static_cast<unsigned>(stage.w.codes[entry]) << 2U;
}

void setNibble(QuantizedMatrix::Stage& stage, std::size_t entry, unsigned value) {
    stage.u.codes[entry] = static_cast<std::uint8_t>(value & 3U);
    stage.w.codes[entry] = static_cast<std::uint8_t>(value >> 2U & 3U);
}

// The four rows of scales of a stage, in file order.
template <typename Stage>
auto scaleRows(Stage& stage) {
    return std::array{&stage.u.sRe, &stage.u.sIm, &stage.w.sRe, &stage.w.sIm};
}

float storedScale(float scale, tensors::DType type) {
    if (scale <= kScaleFloor) return 0;
    return type == tensors::DType::F32 ? scale : tensors::toFloat(tensors::toF16(scale), tensors::DType::F16);
}

void appendScale(std::vector<std::byte>& bytes, float scale, tensors::DType type) {
    const auto append = [&](const auto& value) {
        const auto* begin = reinterpret_cast<const std::byte*>(&value);
        bytes.insert(bytes.end(), begin, begin + sizeof value);
    };
    if (type == tensors::DType::F32)
        append(scale);
    else
        append(tensors::toF16(scale));
}

PackedShape shapeOf(const QuantizedMatrix& matrix) {
    return {matrix.rows, matrix.cols, static_cast<int>(matrix.stages.size()), matrix.scale};
}

} // namespace

std::uint64_t PackedShape::codeBytes() const noexcept {
    const auto n = rows / 2;
    const auto columnBytes = n / kTileRows * (kTileRows / 2) + (n % kTileRows + 1) / 2;
    const auto bytes = static_cast<std::uint64_t>(columnBytes * (cols / 2) * stages);
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::int64_t PackedShape::groups() const noexcept {
    return quant::scaleGroups(scale, rows / 2, cols / 2);
}

std::uint64_t PackedShape::scaleBytes() const noexcept {
    return static_cast<std::uint64_t>(stages) * 4 * static_cast<std::uint64_t>(groups()) *
           tensors::bytesPerElement(scaleType());
}

tensors::DType PackedShape::scaleType() const noexcept {
    return scale == quant::ScaleGranularity::Tensor ? tensors::DType::F32 : tensors::DType::F16;
}

PackedView view(const PackedLayer& layer) noexcept {
    return {layer.shape, layer.codes, layer.scales};
}

base::Result<QuantizedMatrix> withStoredScales(QuantizedMatrix matrix) {
    const auto type = shapeOf(matrix).scaleType();
    for (auto& stage : matrix.stages) {
        for (auto* scales : scaleRows(stage)) {
            for (auto& scale : *scales) {
                const float wanted = scale;
                scale = storedScale(wanted, type);
                if (!std::isfinite(scale))
                    return base::fail(base::ErrorCode::Failed,
                                      fmt::format("the scale {} is too large for fp16", wanted), {}, {},
                                      "use one scale a tensor, which is stored in fp32");
            }
        }
    }
    return matrix;
}

base::Result<PackedLayer> pack(const QuantizedMatrix& matrix) {
    PackedLayer layer;
    layer.shape = shapeOf(matrix);
    layer.codes.resize(layer.shape.codeBytes());
    const auto m = static_cast<std::size_t>(matrix.cols / 2);
    forEachTileRow(layer.shape, [&](std::int64_t tileRow) {
        forEachColumn(layer.shape, tileRow,
                      [&](std::size_t offset, std::size_t t, std::size_t entry, std::int64_t bytes,
                          std::int64_t height) {
                          const auto& stage = matrix.stages[t];
                          for (std::int64_t b = 0; b < bytes; ++b) {
                              const auto low = entry + static_cast<std::size_t>(b) * m;
                              const auto high = low + static_cast<std::size_t>(bytes) * m;
                              unsigned both = nibble(stage, low);
                              if (b + bytes < height) both |= nibble(stage, high) << 4U;
                              layer.codes[offset + static_cast<std::size_t>(b)] = std::byte(both);
                          }
                      });
    });
    const auto type = layer.shape.scaleType();
    QuantizedMatrix scalesOnly{matrix.rows, matrix.cols, matrix.scale, {}};
    for (const auto& stage : matrix.stages)
        scalesOnly.stages.push_back({{{}, stage.u.sRe, stage.u.sIm}, {{}, stage.w.sRe, stage.w.sIm}});
    FAIRY2_ASSIGN(scalesOnly, withStoredScales(std::move(scalesOnly)));
    for (const auto& stage : scalesOnly.stages)
        for (const auto* scales : scaleRows(stage))
            for (const float scale : *scales)
                appendScale(layer.scales, scale, type);
    return layer;
}

base::Result<QuantizedMatrix> unpack(const PackedView& layer) {
    const auto& shape = layer.shape;
    if (shape.rows <= 0 || shape.cols <= 0 || shape.rows % 2 != 0 || shape.cols % 2 != 0 ||
        shape.stages < 1 || shape.stages > quant::kMaxStages)
        return base::badInput(
            fmt::format("{} × {} in {} stages is no packed layer", shape.rows, shape.cols, shape.stages));
    if (layer.codes.size() != shape.codeBytes() || layer.scales.size() != shape.scaleBytes())
        return base::badInput(fmt::format("{} bytes of codes and {} of scales; {} and {} were expected",
                                          layer.codes.size(), layer.scales.size(), shape.codeBytes(),
                                          shape.scaleBytes()));
    const auto groups = static_cast<std::size_t>(shape.groups());
    quant::StageCodes empty;
    empty.codes.resize(static_cast<std::size_t>(shape.rows / 2 * (shape.cols / 2)));
    empty.sRe.resize(groups);
    empty.sIm.resize(groups);
    QuantizedMatrix matrix{shape.rows, shape.cols, shape.scale, {}};
    matrix.stages.assign(static_cast<std::size_t>(shape.stages), {empty, empty});

    const auto m = static_cast<std::size_t>(shape.cols / 2);
    forEachTileRow(shape, [&](std::int64_t tileRow) {
        forEachColumn(shape, tileRow,
                      [&](std::size_t offset, std::size_t t, std::size_t entry, std::int64_t bytes,
                          std::int64_t height) {
                          auto& stage = matrix.stages[t];
                          for (std::int64_t b = 0; b < bytes; ++b) {
                              const auto low = entry + static_cast<std::size_t>(b) * m;
                              const auto high = low + static_cast<std::size_t>(bytes) * m;
                              const auto both = std::to_integer<unsigned>(
                                  layer.codes[offset + static_cast<std::size_t>(b)]);
                              setNibble(stage, low, both & 15U);
                              if (b + bytes < height) setNibble(stage, high, both >> 4U);
                          }
                      });
    });
    auto rest = layer.scales;
    const auto rowBytes = groups * tensors::bytesPerElement(shape.scaleType());
    for (auto& stage : matrix.stages) {
        for (auto* scales : scaleRows(stage)) {
            tensors::convertToFloat(rest.first(rowBytes), shape.scaleType(), *scales);
            rest = rest.subspan(rowBytes);
        }
    }
    return matrix;
}

} // namespace fairy2::pack
