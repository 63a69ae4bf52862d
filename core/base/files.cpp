// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include "base/uuid.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fairy2::base {
namespace {

Result<void> writeAll(int fd, const char* data, std::size_t size, const Path& path) {
    while (size > 0) {
        const ssize_t written = ::write(fd, data, size);
        if (written < 0) {
            if (errno == EINTR) continue;
            return tl::unexpected(systemError("write", path, errno));
        }
        data += written;
        size -= static_cast<std::size_t>(written);
    }
    return {};
}

} // namespace

Error systemError(std::string_view action, const Path& path, int errnoValue) {
    const auto code = errnoValue == ENOENT ? ErrorCode::NotFound : ErrorCode::Io;
    std::string hint;
    if (errnoValue == ENOSPC || errnoValue == EDQUOT) hint = "free some space on this disk and try again";
    if (errnoValue == EACCES || errnoValue == EPERM)
        hint = "check the permissions of the file and its folder";
    return Error{
        code, fmt::format("cannot {}: {}", action, std::strerror(errnoValue)), path.string(), {}, hint};
}

Result<std::string> readFile(const Path& path, std::size_t maxBytes) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(systemError("open", path, errno));
    struct stat info {};
    if (::fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
        const int reason = S_ISDIR(info.st_mode) ? EISDIR : errno;
        ::close(fd);
        return tl::unexpected(systemError("read", path, reason));
    }
    std::string content;
    const auto tooLong = [&] {
        ::close(fd);
        return badInput(fmt::format("the file is larger than the {} bytes allowed here", maxBytes),
                        path.string());
    };
    if (static_cast<std::uintmax_t>(info.st_size) > maxBytes) return tooLong();
    content.resize(static_cast<std::size_t>(info.st_size));
    std::size_t filled = 0;
    // Reads past st_size too: the file may be a pipe or may have grown.
    for (char extra[4096];;) {
        const bool inside = filled < content.size();
        const ssize_t got = inside ? ::read(fd, content.data() + filled, content.size() - filled)
                                   : ::read(fd, extra, sizeof extra);
        if (got < 0) {
            if (errno == EINTR) continue;
            const int reason = errno;
            ::close(fd);
            return tl::unexpected(systemError("read", path, reason));
        }
        if (got == 0) break;
        if (!inside) content.append(extra, static_cast<std::size_t>(got));
        filled += static_cast<std::size_t>(got);
        if (filled > maxBytes) return tooLong();
    }
    content.resize(filled);
    ::close(fd);
    return content;
}

Result<void> syncDirectory(const Path& directory) {
    const Path target = directory.empty() ? Path(".") : directory;
    const int fd = ::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(systemError("open", target, errno));
    const int failed = ::fsync(fd);
    const int reason = errno;
    ::close(fd);
    // Some file systems (network, overlay) cannot sync a folder and say EINVAL: nothing more can be done
    // there.
    if (failed != 0 && reason != EINVAL) return tl::unexpected(systemError("sync", target, reason));
    return {};
}

Result<void> makeDirectories(const Path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return tl::unexpected(systemError("create the folder", directory, error.value()));
    return {};
}

Result<void> writeFileAtomically(const Path& path, std::string_view content) {
    FAIRY2_ASSIGN(auto file, AtomicFile::create(path));
    FAIRY2_TRY(file.write(content));
    return file.commit();
}

AtomicFile::AtomicFile(Path target, Path temporary, int fd)
    : m_target(std::move(target)), m_temporary(std::move(temporary)), m_fd(fd) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : m_target(std::move(other.m_target)), m_temporary(std::move(other.m_temporary)),
      m_fd(std::exchange(other.m_fd, -1)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
    std::swap(m_target, other.m_target);
    std::swap(m_temporary, other.m_temporary);
    std::swap(m_fd, other.m_fd);
    return *this;
}

AtomicFile::~AtomicFile() {
    if (m_fd < 0) return;
    ::close(m_fd);
    ::unlink(m_temporary.c_str());
}

Result<AtomicFile> AtomicFile::create(const Path& path) {
    Path temporary = path;
    temporary += ".tmp-" + newUuid().substr(0, 8);
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return tl::unexpected(systemError("create", temporary, errno));
    return AtomicFile(path, temporary, fd);
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes) {
    return writeAll(m_fd, reinterpret_cast<const char*>(bytes.data()), bytes.size(), m_target);
}

Result<void> AtomicFile::write(std::string_view text) {
    return writeAll(m_fd, text.data(), text.size(), m_target);
}

Result<void> AtomicFile::commit() {
    if (::fsync(m_fd) != 0) return tl::unexpected(systemError("sync", m_target, errno));
    if (::rename(m_temporary.c_str(), m_target.c_str()) != 0)
        return tl::unexpected(systemError("rename to", m_target, errno));
    ::close(std::exchange(m_fd, -1));
    return syncDirectory(m_target.parent_path());
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const Path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(systemError("open", path, errno));
    struct stat info {};
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        ::close(fd);
        return badInput("this is not a regular file", path.string());
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    const std::byte* data = nullptr;
    if (size > 0) {
        void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED) {
            const int reason = errno;
            ::close(fd);
            return tl::unexpected(systemError("map", path, reason));
        }
        data = static_cast<const std::byte*>(mapped);
    }
    ::close(fd);
    return std::shared_ptr<const MappedFile>(new MappedFile(path, data, size));
}

MappedFile::~MappedFile() {
    if (m_data != nullptr) ::munmap(const_cast<std::byte*>(m_data), m_size);
}

Result<FileLock> FileLock::tryLock(const Path& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return tl::unexpected(systemError("open the lock", path, errno));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int reason = errno;
        ::close(fd);
        if (reason == EWOULDBLOCK)
            return fail(ErrorCode::Failed, "another process holds the lock", path.string());
        return tl::unexpected(systemError("lock", path, reason));
    }
    return FileLock(fd);
}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(m_fd, other.m_fd);
    return *this;
}

FileLock::~FileLock() {
    if (m_fd >= 0) ::close(m_fd);
}

} // namespace fairy2::base
