// SPDX-License-Identifier: Apache-2.0
#include "runs/runlog.h"

#include "base/clock.h"
#include "base/hash.h"
#include "runs/eventcodec.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fairy2::runs {
namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";
constexpr std::size_t kHead = 12;                             // u64 length, masked CRC-32C of it
constexpr std::size_t kFoot = 4;                              // masked CRC-32C of the data
constexpr std::uint64_t kMaxRecord = std::uint64_t{32} << 20; // far beyond what any writer makes

std::uint32_t maskedCrc(std::string_view bytes) {
    return base::maskedCrc32c(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

template <typename T>
T numberAt(std::string_view bytes, std::size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

template <typename T>
void put(std::string& into, T value) {
    into.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string framed(const std::string& data) {
    std::string record;
    record.reserve(kHead + data.size() + kFoot);
    put(record, static_cast<std::uint64_t>(data.size()));
    put(record, maskedCrc(record));
    record += data;
    put(record, maskedCrc(data));
    return record;
}

std::string hostName() {
    char name[256] = "localhost";
    ::gethostname(name, sizeof name - 1);
    std::string host(name);
    std::replace_if(
        host.begin(), host.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-'; }, '_');
    return host.empty() ? "localhost" : host;
}

std::int64_t timeInName(const base::Path& file) {
    const auto name = file.filename().string();
    std::int64_t time = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), time);
    return time;
}

// What stands at the beginning of the bytes.
enum class Frame { Whole, Cut, BadLength, BadData };

struct FrameInfo {
    Frame kind = Frame::Cut;
    std::string_view data;
    std::size_t size = 0; // of the whole record
};

FrameInfo frameAt(std::string_view bytes) {
    FrameInfo frame;
    if (bytes.size() < kHead) return frame;
    const auto length = numberAt<std::uint64_t>(bytes, 0);
    if (length > kMaxRecord || numberAt<std::uint32_t>(bytes, 8) != maskedCrc(bytes.substr(0, 8))) {
        frame.kind = Frame::BadLength;
        return frame;
    }
    frame.size = kHead + length + kFoot;
    if (bytes.size() < frame.size) return frame;
    frame.data = bytes.substr(kHead, length);
    const bool agrees = numberAt<std::uint32_t>(bytes, kHead + length) == maskedCrc(frame.data);
    frame.kind = agrees ? Frame::Whole : Frame::BadData;
    return frame;
}

// The next place where a whole record stands, or npos.
std::size_t nextWhole(std::string_view bytes) {
    for (std::size_t at = 1; at + kHead <= bytes.size(); ++at) {
        if (numberAt<std::uint64_t>(bytes, at) > kMaxRecord) continue;
        if (frameAt(bytes.substr(at)).kind == Frame::Whole) return at;
    }
    return std::string_view::npos;
}

base::Result<std::string> readFrom(const base::Path& file, std::uint64_t offset, std::size_t maxBytes,
                                   bool& atEnd) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(base::systemError("open", file, errno));
    struct stat info {};
    ::fstat(fd, &info);
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const auto left = size > offset ? size - offset : 0;
    std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(left, maxBytes)), '\0');
    atEnd = bytes.size() == left;
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        const auto got =
            ::pread(fd, bytes.data() + filled, bytes.size() - filled, static_cast<off_t>(offset + filled));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            const int reason = errno;
            ::close(fd);
            return tl::unexpected(base::systemError("read", file, reason));
        }
        if (got == 0) break;
        filled += static_cast<std::size_t>(got);
    }
    ::close(fd);
    bytes.resize(filled);
    return bytes;
}

} // namespace

base::Result<RunLogWriter> RunLogWriter::create(const base::Path& directory, const std::string& suffix) {
    FAIRY2_TRY(base::makeDirectories(directory));
    auto time = static_cast<std::int64_t>(base::wallTime());
    for (const auto& file : logFiles(directory))
        time = std::max(time, timeInName(file) + 1);
    for (int attempt = 0;; ++attempt) {
        const auto path = directory / fmt::format("{}{:010}.{}.{}.{}", kPrefix, time + attempt, hostName(),
                                                  ::getpid(), suffix);
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0 && errno == EEXIST && attempt < 100) continue;
        if (fd < 0) return tl::unexpected(base::systemError("create", path, errno));
        RunLogWriter writer(path, fd);
        FAIRY2_TRY(writer.append(encodeVersion(base::wallTime())));
        FAIRY2_TRY(base::syncDirectory(directory));
        return writer;
    }
}

RunLogWriter::RunLogWriter(RunLogWriter&& other) noexcept
    : m_path(std::move(other.m_path)), m_fd(std::exchange(other.m_fd, -1)), m_size(other.m_size) {}

RunLogWriter& RunLogWriter::operator=(RunLogWriter&& other) noexcept {
    std::swap(m_path, other.m_path);
    std::swap(m_fd, other.m_fd);
    std::swap(m_size, other.m_size);
    return *this;
}

RunLogWriter::~RunLogWriter() {
    if (m_fd >= 0) ::close(m_fd);
}

base::Result<void> RunLogWriter::append(const std::string& event) {
    const auto record = framed(event);
    std::size_t written = 0;
    while (written < record.size()) {
        const auto put = ::write(m_fd, record.data() + written, record.size() - written);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            const int reason = errno;
            // A half record would hide all that follow it.
            if (written > 0 && ::ftruncate(m_fd, static_cast<off_t>(m_size)) != 0)
                return tl::unexpected(base::systemError("cut off a half record", m_path, errno));
            return tl::unexpected(base::systemError("write", m_path, reason));
        }
        written += static_cast<std::size_t>(put);
    }
    m_size += record.size();
    return {};
}

base::Result<void> RunLogWriter::scalars(std::int64_t step,
                                         const std::vector<std::pair<std::string, double>>& values) {
    return append(encodeScalars(base::wallTime(), step, values));
}

base::Result<void> RunLogWriter::document(std::int64_t step, const base::Json& document, bool durable) {
    FAIRY2_TRY(append(encodeDocument(base::wallTime(), step,
                                     document.dump(-1, ' ', false, base::Json::error_handler_t::replace))));
    if (durable && ::fdatasync(m_fd) != 0) return tl::unexpected(base::systemError("sync", m_path, errno));
    return {};
}

base::Result<LogChunk> readLog(const base::Path& file, std::uint64_t offset, std::size_t maxBytes) {
    LogChunk chunk;
    chunk.offset = offset;
    // A single record must always fit, or reading would never get past it.
    const auto budget = std::max<std::size_t>(maxBytes, kHead + kMaxRecord + kFoot);
    FAIRY2_ASSIGN(const auto bytes, readFrom(file, offset, budget, chunk.atEnd));
    std::string_view rest = bytes;
    while (!rest.empty()) {
        const auto frame = frameAt(rest);
        if (frame.kind == Frame::Cut) break;
        std::size_t step = frame.size;
        if (frame.kind == Frame::BadLength) {
            step = nextWhole(rest);
            if (step == std::string_view::npos) {
                // Nothing whole follows yet: the next reading looks again from here, unless more than a
                // record is lost.
                chunk.brokenTail = true;
                if (chunk.atEnd || rest.size() < kMaxRecord) break;
                step = rest.size() - kHead;
            }
        }
        auto record = frame.kind == Frame::Whole ? decodeEvent(frame.data) : std::nullopt;
        if (!record)
            ++chunk.damaged;
        else if (!record->scalars.empty() || !record->document.is_null())
            chunk.records.push_back(std::move(*record));
        rest.remove_prefix(step);
        chunk.brokenTail = false;
    }
    chunk.offset = offset + (bytes.size() - rest.size());
    return chunk;
}

base::Result<std::int64_t> forEachRecord(const base::Path& directory,
                                         const std::function<void(const LogRecord&)>& visit) {
    std::int64_t damaged = 0;
    for (const auto& file : logFiles(directory)) {
        std::uint64_t offset = 0;
        for (bool more = true; more;) {
            FAIRY2_ASSIGN(const auto chunk, readLog(file, offset));
            for (const auto& record : chunk.records)
                visit(record);
            damaged += chunk.damaged + (chunk.brokenTail ? 1 : 0);
            more = !chunk.atEnd && chunk.offset > offset;
            offset = chunk.offset;
        }
    }
    return damaged;
}

std::vector<base::Path> logFiles(const base::Path& directory) {
    std::vector<base::Path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
        if (entry.path().filename().string().starts_with(kPrefix)) files.push_back(entry.path());
    std::sort(files.begin(), files.end(), [](const base::Path& a, const base::Path& b) {
        const auto first = timeInName(a);
        const auto second = timeInName(b);
        return first != second ? first < second : a < b;
    });
    return files;
}

} // namespace fairy2::runs
