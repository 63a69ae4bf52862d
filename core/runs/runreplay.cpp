// SPDX-License-Identifier: Apache-2.0
#include "runs/runreplay.h"

#include <algorithm>

namespace fairy2::runs {
namespace {

// Documents come from a file: a member of another type than expected counts as absent.
template <typename T>
T valueOr(const base::Json& object, const char* key, T fallback) {
    const auto found = object.find(key);
    if (found == object.end()) return fallback;
    if constexpr (std::is_same_v<T, std::string>)
        return found->is_string() ? found->get<std::string>() : fallback;
    else
        return found->is_number_integer() ? found->get<T>() : fallback;
}

} // namespace

void RunReplay::take(const LogRecord& record) {
    updated = std::max(updated, record.wallTime);
    if (!record.scalars.empty()) step = record.step;
    if (!record.document.is_object()) return;
    const auto type = valueOr(record.document, "type", std::string());
    if (type == "state") {
        const auto parsed = parseRunState(valueOr(record.document, "state", std::string()));
        const auto sequence = valueOr(record.document, "sequence", std::int64_t{-1});
        if (!parsed || sequence < stateSequence) return;
        state = *parsed;
        stateSequence = sequence;
        reason = valueOr(record.document, "reason", std::string());
    }
    if (type == "checkpoint") {
        CheckpointEntry entry;
        entry.step = valueOr(record.document, "step", record.step);
        entry.path = valueOr(record.document, "path", std::string());
        entry.sha256 = valueOr(record.document, "sha256", std::string());
        checkpoints[entry.step] = entry;
        step = std::max(step, entry.step);
    }
}

base::Result<RunReplay> replayLog(const base::Path& logDirectory) {
    RunReplay replay;
    FAIRY2_ASSIGN(replay.damaged,
                  forEachRecord(logDirectory, [&](const LogRecord& record) { replay.take(record); }));
    return replay;
}

base::Json stateDocument(RunState state, std::int64_t sequence, const std::string& reason,
                         const base::Json& more) {
    base::Json document = more;
    document["type"] = "state";
    document["state"] = name(state);
    document["sequence"] = sequence;
    if (!reason.empty()) document["reason"] = reason;
    return document;
}

} // namespace fairy2::runs
