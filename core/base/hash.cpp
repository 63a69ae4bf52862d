// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <array>
#include <openssl/evp.h>

namespace fairy2::base {

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    State() { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
    ~State() { EVP_MD_CTX_free(context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Sha256::Sha256() : m_state(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(m_state->context, bytes.data(), bytes.size());
}

void Sha256::update(std::string_view text) {
    EVP_DigestUpdate(m_state->context, text.data(), text.size());
}

std::string Sha256::hex() {
    std::array<unsigned char, 32> digest{};
    EVP_DigestFinal_ex(m_state->context, digest.data(), nullptr);
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

std::string sha256Hex(std::string_view text) {
    Sha256 hash;
    hash.update(text);
    return hash.hex();
}

Result<std::string> sha256OfFile(const Path& path) {
    FAIRY2_ASSIGN(auto file, MappedFile::open(path));
    Sha256 hash;
    hash.update(file->bytes());
    return hash.hex();
}

namespace {

using Crc32cTable = std::array<std::array<std::uint32_t, 256>, 8>;

// Eight tables: eight bytes a turn, fast enough for a log and free of special instructions.
constexpr Crc32cTable makeCrc32cTable() {
    Crc32cTable table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
        table[0][i] = crc;
    }
    for (std::uint32_t i = 0; i < 256; ++i)
        for (std::size_t t = 1; t < 8; ++t)
            table[t][i] = (table[t - 1][i] >> 8) ^ table[0][table[t - 1][i] & 255];
    return table;
}

constexpr Crc32cTable kCrc32c = makeCrc32cTable();

} // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept {
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
    std::uint32_t crc = 0xffffffffU;
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        const std::uint32_t low = crc ^ (at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24);
        crc = kCrc32c[7][low & 255] ^ kCrc32c[6][(low >> 8) & 255] ^ kCrc32c[5][(low >> 16) & 255] ^
              kCrc32c[4][low >> 24] ^ kCrc32c[3][at(i + 4)] ^ kCrc32c[2][at(i + 5)] ^ kCrc32c[1][at(i + 6)] ^
              kCrc32c[0][at(i + 7)];
    }
    for (; i < bytes.size(); ++i)
        crc = (crc >> 8) ^ kCrc32c[0][(crc ^ at(i)) & 255];
    return ~crc;
}

std::uint32_t maskedCrc32c(std::span<const std::byte> bytes) noexcept {
    const std::uint32_t crc = crc32c(bytes);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

} // namespace fairy2::base
