// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <memory>
#include <span>

namespace fairy2::data {

/// The bytes of a file, decompressed on the way: gzip and Zstandard are recognised by their magic, not by the
/// name. Memory stays at a few buffers whatever the file's size.
class ByteSource {
public:
    [[nodiscard]] static base::Result<std::unique_ptr<ByteSource>> open(const base::Path& path);
    virtual ~ByteSource() = default;

    /// Fills the front of `buffer`; 0 means the end. A damaged or cut compressed stream is BadInput.
    [[nodiscard]] virtual base::Result<std::size_t> read(std::span<char> buffer) = 0;
    /// Bytes of the file consumed so far, compressed ones where it is compressed: for progress.
    [[nodiscard]] virtual std::int64_t position() const noexcept = 0;
};

/// Splits a ByteSource into lines without their end ("\n" or "\r\n").
class LineReader {
public:
    LineReader(std::unique_ptr<ByteSource> source, std::size_t maxLineBytes);

    enum class Line { Whole, TooLong, End };
    /// The next line; of one longer than the limit only the fact is told, and its bytes are skipped.
    [[nodiscard]] base::Result<Line> next(std::string& line);
    [[nodiscard]] std::int64_t number() const noexcept { return m_number; } ///< of the last line, from 1
    [[nodiscard]] std::int64_t position() const noexcept { return m_source->position(); }

private:
    [[nodiscard]] base::Result<bool> refill();

    std::unique_ptr<ByteSource> m_source;
    std::size_t m_maxLineBytes;
    std::string m_buffer;
    std::size_t m_begin = 0;
    std::size_t m_end = 0;
    std::int64_t m_number = 0;
};

} // namespace fairy2::data
