// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fairy2::base {

using Path = std::filesystem::path;

/// The whole file as bytes; refuses (BadInput) a file longer than maxBytes before reading it.
[[nodiscard]] Result<std::string> readFile(const Path& path, std::size_t maxBytes);

/// Replaces the file in one step: private temporary in the same folder, fsync, rename, fsync of the folder.
/// A reader sees the old or the new content, never a mixture; on failure nothing is left behind.
[[nodiscard]] Result<void> writeFileAtomically(const Path& path, std::string_view content);

/// Makes a rename or a new entry in a folder survive power loss.
[[nodiscard]] Result<void> syncDirectory(const Path& directory);

[[nodiscard]] Result<void> makeDirectories(const Path& directory);

/// A file that is written piece by piece and appears under its name only by commit(); a destructor
/// without commit removes the temporary.
class AtomicFile {
public:
    [[nodiscard]] static Result<AtomicFile> create(const Path& path);
    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&& other) noexcept;
    ~AtomicFile();

    [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);
    [[nodiscard]] Result<void> write(std::string_view text);
    /// fsync, rename over the final name, fsync of the folder.
    [[nodiscard]] Result<void> commit();

private:
    AtomicFile(Path target, Path temporary, int fd);
    Path m_target;
    Path m_temporary;
    int m_fd = -1;
};

/// A file mapped read-only for its lifetime. Empty files map to an empty span.
class MappedFile {
public:
    [[nodiscard]] static Result<std::shared_ptr<const MappedFile>> open(const Path& path);
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {m_data, m_size}; }
    [[nodiscard]] const Path& path() const noexcept { return m_path; }

private:
    MappedFile(Path path, const std::byte* data, std::size_t size)
        : m_path(std::move(path)), m_data(data), m_size(size) {}
    Path m_path;
    const std::byte* m_data;
    std::size_t m_size;
};

/// An advisory lock (flock) on a file that it creates; held until destroyed, released by the kernel on death.
class FileLock {
public:
    /// Never waits: the error says that another process holds the lock.
    [[nodiscard]] static Result<FileLock> tryLock(const Path& path);
    FileLock(FileLock&& other) noexcept : m_fd(other.m_fd) { other.m_fd = -1; }
    FileLock& operator=(FileLock&& other) noexcept;
    ~FileLock();

private:
    explicit FileLock(int fd) : m_fd(fd) {}
    int m_fd = -1;
};

/// An Io error made of errno, naming the file and what was tried ("open", "rename", …).
[[nodiscard]] Error systemError(std::string_view action, const Path& path, int errnoValue);

} // namespace fairy2::base
