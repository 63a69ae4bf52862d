// SPDX-License-Identifier: Apache-2.0
#include "data/bytesource.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

namespace fairy2::data {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;

class PlainSource final : public ByteSource {
public:
    PlainSource(base::Path path, int fd) : m_path(std::move(path)), m_fd(fd) {}
    ~PlainSource() override { ::close(m_fd); }

    base::Result<std::size_t> read(std::span<char> buffer) override {
        for (;;) {
            const ssize_t got = ::read(m_fd, buffer.data(), buffer.size());
            if (got >= 0) {
                m_position += got;
                return static_cast<std::size_t>(got);
            }
            if (errno != EINTR) return tl::unexpected(base::systemError("read", m_path, errno));
        }
    }

    std::int64_t position() const noexcept override { return m_position; }

private:
    base::Path m_path;
    int m_fd;
    std::int64_t m_position = 0;
};

// What gzip and Zstandard share: compressed input in a buffer that is refilled from the plain file.
class CompressedSource : public ByteSource {
public:
    CompressedSource(base::Path path, std::unique_ptr<ByteSource> plain)
        : m_path(std::move(path)), m_plain(std::move(plain)), m_input(kChunk) {}

    std::int64_t position() const noexcept override { return m_plain->position(); }

protected:
    // Makes unread input available unless the file has ended.
    base::Result<void> refill() {
        if (m_position < m_size || m_ended) return {};
        FAIRY2_ASSIGN(m_size, m_plain->read(m_input));
        m_position = 0;
        m_ended = m_size == 0;
        return {};
    }
    tl::unexpected<base::Error> damaged(const std::string& what) const {
        return base::badInput(what, m_path.string(), {}, "the file is damaged or was cut; fetch it again");
    }

    base::Path m_path;
    std::unique_ptr<ByteSource> m_plain;
    std::vector<char> m_input;
    std::size_t m_position = 0;
    std::size_t m_size = 0;
    bool m_ended = false;
};

class GzipSource final : public CompressedSource {
public:
    using CompressedSource::CompressedSource;
    ~GzipSource() override { inflateEnd(&m_stream); }

    // 16 added to the window bits asks zlib for the gzip format (zlib.h, inflateInit2).
    bool start() { return inflateInit2(&m_stream, 15 + 16) == Z_OK; }

    base::Result<std::size_t> read(std::span<char> buffer) override {
        m_stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        m_stream.avail_out = static_cast<uInt>(buffer.size());
        while (m_stream.avail_out == buffer.size()) {
            FAIRY2_TRY(refill());
            if (m_ended) {
                if (m_insideMember) return damaged("the gzip stream ends early");
                return std::size_t{0};
            }
            m_stream.next_in = reinterpret_cast<Bytef*>(m_input.data() + m_position);
            m_stream.avail_in = static_cast<uInt>(m_size - m_position);
            m_insideMember = true;
            const int status = inflate(&m_stream, Z_NO_FLUSH);
            m_position = m_size - m_stream.avail_in;
            if (status == Z_STREAM_END) {
                // A file may be several gzip members one after the other.
                m_insideMember = false;
                inflateReset(&m_stream);
            } else if (status != Z_OK && status != Z_BUF_ERROR) {
                return damaged("the gzip stream is not valid");
            }
        }
        return buffer.size() - m_stream.avail_out;
    }

private:
    z_stream m_stream{};
    bool m_insideMember = false;
};

class ZstdSource final : public CompressedSource {
public:
    using CompressedSource::CompressedSource;
    ~ZstdSource() override { ZSTD_freeDStream(m_stream); }

    base::Result<std::size_t> read(std::span<char> buffer) override {
        ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
        while (output.pos == 0) {
            FAIRY2_TRY(refill());
            if (m_ended) {
                if (m_insideFrame) return damaged("the Zstandard stream ends early");
                return std::size_t{0};
            }
            ZSTD_inBuffer input{m_input.data(), m_size, m_position};
            const std::size_t status = ZSTD_decompressStream(m_stream, &output, &input);
            m_position = input.pos;
            if (ZSTD_isError(status) != 0)
                return damaged(std::string("the Zstandard stream is not valid: ") +
                               ZSTD_getErrorName(status));
            m_insideFrame = status != 0;
        }
        return output.pos;
    }

private:
    // The library's default window limit (128 MiB) bounds the memory of a hostile frame.
    ZSTD_DStream* m_stream = ZSTD_createDStream();
    bool m_insideFrame = false;
};

} // namespace

base::Result<std::unique_ptr<ByteSource>> ByteSource::open(const base::Path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(base::systemError("open", path, errno));
    unsigned char magic[4] = {};
    const ssize_t got = ::pread(fd, magic, sizeof magic, 0);
    auto plain = std::make_unique<PlainSource>(path, fd);
    static constexpr unsigned char kZstd[4] = {0x28, 0xb5, 0x2f, 0xfd};
    if (got >= 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
        auto gzip = std::make_unique<GzipSource>(path, std::move(plain));
        if (!gzip->start()) return base::fail(base::ErrorCode::Failed, "zlib could not start", path.string());
        return gzip;
    }
    if (got == 4 && std::memcmp(magic, kZstd, sizeof kZstd) == 0)
        return std::make_unique<ZstdSource>(path, std::move(plain));
    return plain;
}

LineReader::LineReader(std::unique_ptr<ByteSource> source, std::size_t maxLineBytes)
    : m_source(std::move(source)), m_maxLineBytes(maxLineBytes), m_buffer(kChunk, '\0') {}

base::Result<bool> LineReader::refill() {
    m_begin = 0;
    FAIRY2_ASSIGN(m_end, m_source->read(m_buffer));
    return m_end > 0;
}

base::Result<LineReader::Line> LineReader::next(std::string& line) {
    line.clear();
    bool tooLong = false;
    for (;;) {
        if (m_begin == m_end) {
            FAIRY2_ASSIGN(const bool more, refill());
            if (!more && line.empty() && !tooLong) return Line::End;
            if (!more) break;
        }
        const char* begin = m_buffer.data() + m_begin;
        const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', m_end - m_begin));
        const std::size_t length =
            newline != nullptr ? static_cast<std::size_t>(newline - begin) : m_end - m_begin;
        tooLong = tooLong || line.size() + length > m_maxLineBytes;
        if (!tooLong) line.append(begin, length);
        m_begin += length + (newline != nullptr ? 1 : 0);
        if (newline != nullptr) break;
    }
    ++m_number;
    if (tooLong) return Line::TooLong;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return Line::Whole;
}

} // namespace fairy2::data
