// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fairy2::base {

/// Streaming SHA-256 (OpenSSL).
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::span<const std::byte> bytes);
    void update(std::string_view text);
    /// 64 lower-case hexadecimal digits; the object may not be used afterwards.
    [[nodiscard]] std::string hex();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

[[nodiscard]] std::string sha256Hex(std::string_view text);
[[nodiscard]] Result<std::string> sha256OfFile(const Path& path);

/// CRC-32C (Castagnoli) as used by the TensorBoard record framing.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept;
/// The masked form of that framing: rotate right by 15, add 0xa282ead8.
[[nodiscard]] std::uint32_t maskedCrc32c(std::span<const std::byte> bytes) noexcept;

} // namespace fairy2::base
