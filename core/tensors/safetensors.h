// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"
#include "tensors/dtype.h"

#include <map>
#include <string>
#include <vector>

namespace fairy2::tensors {

/// One entry of a safetensors header.
struct TensorInfo {
    std::string name;
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape;
    std::uint64_t offset = 0; ///< of the first byte, from the start of the file
    std::uint64_t bytes = 0;

    [[nodiscard]] std::int64_t elements() const noexcept;
};

using Metadata = std::map<std::string, std::string>;

/// A safetensors file, checked strictly on opening (header size, UTF-8, duplicate names, dtype, product of
/// the shape, offsets contiguous from 0 to the end of the file, string-only metadata) and mapped read-only.
/// Format: https://github.com/huggingface/safetensors, "Format".
class SafetensorsFile {
public:
    /// Reads and checks the header only; no tensor byte is touched.
    [[nodiscard]] static base::Result<SafetensorsFile> open(const base::Path& path);

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const noexcept {
        return m_tensors;
    } ///< file order
    [[nodiscard]] const TensorInfo* find(std::string_view name) const noexcept;
    [[nodiscard]] const Metadata& metadata() const noexcept { return m_metadata; }
    [[nodiscard]] std::span<const std::byte> bytes(const TensorInfo& tensor) const noexcept;
    [[nodiscard]] const base::Path& path() const noexcept { return m_map->path(); }

private:
    std::shared_ptr<const base::MappedFile> m_map;
    std::vector<TensorInfo> m_tensors;
    std::map<std::string, std::size_t, std::less<>> m_index;
    Metadata m_metadata;
};

/// Checks a header (the JSON after the 8 length bytes) against the size of the data that follows it.
/// Exposed for the fuzzer and the tests of broken files.
[[nodiscard]] base::Result<std::pair<std::vector<TensorInfo>, Metadata>>
parseHeader(std::string_view json, std::uint64_t dataBytes, const std::string& file);

/// Writes a safetensors file front to back: declare every tensor, then give their bytes in that order.
/// The first tensor begins at a multiple of 64 bytes; the others follow without gaps, as the format demands.
/// The file appears under its name only by finish().
class SafetensorsWriter {
public:
    struct Declaration {
        std::string name;
        DType dtype;
        std::vector<std::int64_t> shape;
    };
    [[nodiscard]] static base::Result<SafetensorsWriter>
    create(const base::Path& path, const std::vector<Declaration>& tensors, const Metadata& metadata = {});
    /// The bytes of the next declared tensor, whole or in pieces.
    [[nodiscard]] base::Result<void> write(std::span<const std::byte> bytes);
    /// Refuses when bytes are missing; then fsync and rename.
    [[nodiscard]] base::Result<void> finish();

private:
    explicit SafetensorsWriter(base::AtomicFile file) : m_file(std::move(file)) {}
    base::AtomicFile m_file;
    std::uint64_t m_expected = 0;
    std::uint64_t m_written = 0;
};

} // namespace fairy2::tensors
