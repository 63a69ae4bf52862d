// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"
#include "base/json.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace fairy2::runs {

/// One record of a run log. Scalars carry (tag, value); all else is a JSON document with a "type".
struct LogRecord {
    double wallTime = 0;
    std::int64_t step = 0;
    std::vector<std::pair<std::string, double>> scalars;
    base::Json
        document; ///< null for scalar records; {"type": "state"|"checkpoint"|"line"|"layers"|…, …} else
};

/// Appends to a run log: TensorBoard record framing (u64 length, masked CRC-32C of it, data, masked CRC-32C)
/// around Event protobufs, so TensorBoard draws the scalars; documents travel in the event's log_message.
/// Scalars stand there as float for TensorBoard and, in a field of our own that protobuf readers pass over,
/// as the exact double. One writer a file; a run has one file per writing process.
class RunLogWriter {
public:
    /// Creates `directory`/events.out.tfevents.<time>.<host>.<pid>.<suffix>. The time is later than that of
    /// every other log in the folder, so the order of the names is the order of their making even when the
    /// clock jumps.
    [[nodiscard]] static base::Result<RunLogWriter> create(const base::Path& directory,
                                                           const std::string& suffix);
    RunLogWriter(RunLogWriter&& other) noexcept;
    RunLogWriter& operator=(RunLogWriter&& other) noexcept;
    ~RunLogWriter();

    [[nodiscard]] const base::Path& path() const noexcept { return m_path; }

    /// A failed write (a full disk) leaves no half record behind: the next one may be tried.
    [[nodiscard]] base::Result<void> scalars(std::int64_t step,
                                             const std::vector<std::pair<std::string, double>>& values);
    /// `durable` fsyncs before returning: state changes and checkpoints.
    [[nodiscard]] base::Result<void> document(std::int64_t step, const base::Json& document,
                                              bool durable = false);

private:
    RunLogWriter(base::Path path, int fd) : m_path(std::move(path)), m_fd(fd) {}
    [[nodiscard]] base::Result<void> append(const std::string& event);
    base::Path m_path;
    int m_fd = -1;
    std::uint64_t m_size = 0;
};

/// Reads one log file from a byte offset on. A cut or growing last record is not an error: reading stops
/// before it and `offset` says where to go on. A record with a wrong checksum is skipped and counted; where a
/// length cannot be trusted, reading goes on at the next record whose checksums agree.
struct LogChunk {
    std::vector<LogRecord> records;
    std::uint64_t offset = 0;
    std::int64_t damaged = 0;
    bool atEnd = true;       ///< false when maxBytes was reached before the end of the file
    bool brokenTail = false; ///< what follows `offset` is no growing record but damage (so far)
};
[[nodiscard]] base::Result<LogChunk> readLog(const base::Path& file, std::uint64_t offset = 0,
                                             std::size_t maxBytes = std::size_t{64} << 20);

/// Every record of every log of a folder, files in the order of their making; returns how many were damaged.
[[nodiscard]] base::Result<std::int64_t> forEachRecord(const base::Path& directory,
                                                       const std::function<void(const LogRecord&)>& visit);

/// The log files of a folder in the order of their making; none when there is no such folder.
[[nodiscard]] std::vector<base::Path> logFiles(const base::Path& directory);

} // namespace fairy2::runs
