// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"
#include "base/json.h"

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
/// One writer a file; a run has one file per writing process.
class RunLogWriter {
public:
    /// Creates `directory`/events.out.tfevents.<time>.<host>.<pid>.<suffix>.
    [[nodiscard]] static base::Result<RunLogWriter> create(const base::Path& directory,
                                                           const std::string& suffix);
    RunLogWriter(RunLogWriter&& other) noexcept;
    RunLogWriter& operator=(RunLogWriter&& other) noexcept;
    ~RunLogWriter();

    [[nodiscard]] base::Result<void> scalars(std::int64_t step,
                                             const std::vector<std::pair<std::string, double>>& values);
    /// `durable` fsyncs before returning: state changes and checkpoints.
    [[nodiscard]] base::Result<void> document(std::int64_t step, const base::Json& document,
                                              bool durable = false);

private:
    RunLogWriter(base::Path path, int fd) : m_path(std::move(path)), m_fd(fd) {}
    base::Path m_path;
    int m_fd = -1;
};

/// Reads one log file from a byte offset on. A cut or growing last record is not an error: reading stops
/// before it and `offset` says where to go on. A record with a wrong checksum is skipped and counted.
struct LogChunk {
    std::vector<LogRecord> records;
    std::uint64_t offset = 0;
    std::int64_t damaged = 0;
};
[[nodiscard]] base::Result<LogChunk> readLog(const base::Path& file, std::uint64_t offset = 0);

} // namespace fairy2::runs
