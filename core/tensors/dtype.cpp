// SPDX-License-Identifier: Apache-2.0
#include "tensors/dtype.h"

#include "base/printable.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <fmt/format.h>

namespace fairy2::tensors {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

struct Row {
    DType type;
    std::string_view name;
    std::size_t bytes;
};

// In the order of the enumeration, so that a type is its own index.
constexpr std::array kTable{
    Row{DType::F64, "F64", 8},   Row{DType::F32, "F32", 4},        Row{DType::F16, "F16", 2},
    Row{DType::BF16, "BF16", 2}, Row{DType::F8E4M3, "F8_E4M3", 1}, Row{DType::F8E5M2, "F8_E5M2", 1},
    Row{DType::I64, "I64", 8},   Row{DType::I32, "I32", 4},        Row{DType::I16, "I16", 2},
    Row{DType::I8, "I8", 1},     Row{DType::U64, "U64", 8},        Row{DType::U32, "U32", 4},
    Row{DType::U16, "U16", 2},   Row{DType::U8, "U8", 1},          Row{DType::Bool, "BOOL", 1},
};

const Row& row(DType type) noexcept {
    return kTable[static_cast<std::size_t>(type)];
}

float fromBf16(std::uint16_t bits) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

// Selections instead of branches, so that the loop over a tensor becomes vector code.
float fromF16(std::uint16_t half) noexcept {
    constexpr std::uint32_t kRebias = 112U << 23U; // exponent bias 127 − 15
    const std::uint32_t sign = (half & 0x8000U) << 16U;
    const std::uint32_t magnitude = half & 0x7FFFU;
    const std::uint32_t normal = (magnitude << 13U) + kRebias;
    const std::uint32_t special = normal + kRebias; // infinity and NaN
    const auto subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24F);
    std::uint32_t bits = magnitude >= 0x7C00U ? special : normal;
    bits = magnitude < 0x0400U ? subnormal : bits;
    return std::bit_cast<float>(bits | sign);
}

// The bytes may start at any address: nothing in the format aligns a tensor.
template <typename Stored, typename Convert>
void convertEach(const std::byte* bytes, std::span<float> out, Convert convert) {
    float* target = out.data();
    const std::size_t count = out.size();
    for (std::size_t i = 0; i < count; ++i) {
        Stored value;
        std::memcpy(&value, bytes + i * sizeof(Stored), sizeof(Stored));
        target[i] = convert(value);
    }
}

} // namespace

base::Result<DType> parseDType(std::string_view name) {
    const auto* const found =
        std::find_if(kTable.begin(), kTable.end(), [&](const Row& entry) { return entry.name == name; });
    if (found == kTable.end())
        return base::badInput(fmt::format("the element type '{}' is not known", base::printable(name, 32)));
    return found->type;
}

std::string_view name(DType type) noexcept {
    return row(type).name;
}

std::size_t bytesPerElement(DType type) noexcept {
    return row(type).bytes;
}

bool isFloat(DType type) noexcept {
    return type == DType::F64 || type == DType::F32 || type == DType::F16 || type == DType::BF16;
}

float toFloat(std::uint16_t bits, DType halfType) noexcept {
    return halfType == DType::BF16 ? fromBf16(bits) : fromF16(bits);
}

std::uint16_t toBf16(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const bool nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
    // Rounding could carry a NaN's payload over into infinity; the quiet bit keeps it a NaN.
    if (nan) return static_cast<std::uint16_t>((bits >> 16U) | 0x0040U);
    return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

std::uint16_t toF16(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16U) & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    if (magnitude > 0x7F800000U)
        return static_cast<std::uint16_t>(sign | 0x7E00U | ((magnitude >> 13U) & 0x1FFU));
    if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U); // ≥ 65520 rounds to inf
    if (magnitude < 0x38800000U) {
        // Below 2⁻¹⁴ one unit is 2⁻²⁴: adding ½ brings that unit to the last bit of a float, rounded to even.
        const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
        return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
    }
    const std::uint32_t rounded = magnitude + 0x0FFFU + ((magnitude >> 13U) & 1U);
    return static_cast<std::uint16_t>(sign | ((rounded - (112U << 23U)) >> 13U));
}

void convertToFloat(std::span<const std::byte> bytes, DType type, std::span<float> out) {
    assert(isFloat(type) && bytes.size() == out.size() * bytesPerElement(type));
    switch (type) {
    case DType::F32:
        if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size_bytes());
        break;
    case DType::BF16:
        convertEach<std::uint16_t>(bytes.data(), out, fromBf16);
        break;
    case DType::F16:
        convertEach<std::uint16_t>(bytes.data(), out, fromF16);
        break;
    case DType::F64:
        convertEach<double>(bytes.data(), out, [](double value) { return static_cast<float>(value); });
        break;
    default:
        break;
    }
}

} // namespace fairy2::tensors
