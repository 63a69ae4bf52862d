// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fairy2::tensors {

/// Element types of the safetensors format that we can name. Only F64, F32, F16 and BF16 are weights.
enum class DType { F64, F32, F16, BF16, F8E4M3, F8E5M2, I64, I32, I16, I8, U64, U32, U16, U8, Bool };

[[nodiscard]] base::Result<DType> parseDType(std::string_view name);
[[nodiscard]] std::string_view name(DType type) noexcept; ///< as spelled in safetensors: "BF16"
[[nodiscard]] std::size_t bytesPerElement(DType type) noexcept;
[[nodiscard]] bool isFloat(DType type) noexcept; ///< F64, F32, F16, BF16

[[nodiscard]] float toFloat(std::uint16_t bits, DType halfType) noexcept; ///< F16 or BF16
[[nodiscard]] std::uint16_t toBf16(float value) noexcept;                 ///< round to nearest even, NaN kept
[[nodiscard]] std::uint16_t toF16(float value) noexcept; ///< round to nearest even, overflow to inf

/// Little-endian elements of a float type as fp32; out.size() elements are converted.
void convertToFloat(std::span<const std::byte> bytes, DType type, std::span<float> out);

} // namespace fairy2::tensors
