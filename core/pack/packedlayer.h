// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/quantizer.h"
#include "tensors/dtype.h"

#include <cstddef>
#include <span>

namespace fairy2::pack {

/// A linear layer as two tensors of a packed file.
///
/// `NAME.codes`, U8 [packedCodeBytes()]: for complex entry (i, j) of the n×m matrices U and W and stage t the
/// nibble U | W << 2, where a code is 0..3 = +1, +i, −1, −i. Entries stand in tiles of 32 rows × 64 columns,
/// row of tiles after row of tiles; a tile holds stage after stage, a stage column after column, a column its
/// rows as ⌈h/2⌉ bytes, so that one byte is two rows:
///
///     r = ⌊i/32⌋, h = min(32, n − 32r), b = ⌈h/2⌉            rows of the tile, bytes of its columns
///     c = ⌊j/64⌋, w = min(64, m − 64c)                       columns of the tile
///     byte   = 16·r·m·T + 64·c·T·b + t·w·b + (j − 64c)·b + (i − 32r) mod b
///     nibble = low when i − 32r < b, else high
///
/// So the 32 rows of one input are 16 bytes that a table lookup takes at once, and the codes of a row of
/// tiles are read front to back. Nothing is padded but the last row of an odd height (high nibble 0) and the
/// tensor itself, with zeros to a multiple of 64 bytes; the file begins its data on such a multiple and holds
/// all code tensors first, so each can be used from the mapped file as it is.
///
/// `NAME.scales`, [T, 4, groups] in the order Re U, Im U, Re W, Im W; groups as scaleGroupOf() numbers them.
/// F32 for one scale a tensor, F16 for row and tile64. A scale of kScaleFloor or less (an axis without
/// entries, a group of zeros) is stored as 0.
struct PackedShape {
    std::int64_t rows = 0; ///< of the real matrix, even
    std::int64_t cols = 0;
    int stages = 0;
    quant::ScaleGranularity scale = quant::ScaleGranularity::Tensor;

    [[nodiscard]] std::uint64_t codeBytes() const noexcept;
    [[nodiscard]] std::int64_t groups() const noexcept;
    [[nodiscard]] std::uint64_t scaleBytes() const noexcept;
    [[nodiscard]] tensors::DType scaleType() const noexcept;
};

/// The two tensors in memory of their own, or in a mapped file.
struct PackedLayer {
    PackedShape shape;
    std::vector<std::byte> codes;
    std::vector<std::byte> scales;
};
struct PackedView {
    PackedShape shape;
    std::span<const std::byte> codes;
    std::span<const std::byte> scales;
};
[[nodiscard]] PackedView view(const PackedLayer& layer) noexcept;

/// The matrix with the scales that a packed file would hold: what baked weights are built from.
/// Failed when a scale is too large for fp16 (the hint names tensor-wide scales).
[[nodiscard]] base::Result<quant::QuantizedMatrix> withStoredScales(quant::QuantizedMatrix matrix);

/// Errors: as withStoredScales.
[[nodiscard]] base::Result<PackedLayer> pack(const quant::QuantizedMatrix& matrix);

/// The inverse; pack(unpack(x)) is x. BadInput when the bytes do not fit the shape.
[[nodiscard]] base::Result<quant::QuantizedMatrix> unpack(const PackedView& layer);

} // namespace fairy2::pack
