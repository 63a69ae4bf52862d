// SPDX-License-Identifier: Apache-2.0
#include "runs/runreplay.h"

#include "base/clock.h"
#include "runs/supervisorfile.h"

#include <algorithm>
#include <fmt/format.h>

namespace fairy2::runs {
namespace {

constexpr double kLaunchSeconds = 20; // a run that is just being launched has no supervisor yet

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

std::int64_t maxStepsOf(const base::Json& config) {
    const auto training = config.find("training");
    return training == config.end() || !training->is_object()
               ? 0
               : valueOr(*training, "max_steps", std::int64_t{0});
}

void keepExisting(RunReplay& replay, const base::Path& run) {
    for (auto at = replay.checkpoints.begin(); at != replay.checkpoints.end();) {
        auto& path = at->second.path;
        if (path.is_relative()) path = run / path;
        at = std::filesystem::exists(path / "manifest.json") ? std::next(at) : replay.checkpoints.erase(at);
    }
}

void fillFrom(const RunReplay& replay, RunSummary& summary) {
    summary.state = replay.state;
    summary.reason = replay.reason;
    summary.updated = std::max(replay.updated, summary.created);
    summary.step = replay.step;
    summary.damagedRecords = replay.damaged;
    for (const auto& [step, entry] : replay.checkpoints)
        summary.checkpoints.push_back(entry);
    const bool isLaunching =
        summary.state == RunState::Queued && base::wallTime() - summary.created < kLaunchSeconds;
    if (isFinal(summary.state) || isLaunching || livingSupervisor(summary.directory)) return;
    summary.state = RunState::Lost;
    summary.reason =
        fmt::format("the supervisor is gone: it was killed, or the machine restarted, while the run was {}",
                    name(replay.state));
}

base::Json annotationsToJson(const Annotations& annotations) {
    return {{"name", annotations.name},
            {"tags", annotations.tags},
            {"notes", annotations.notes},
            {"color", annotations.color},
            {"archived", annotations.archived}};
}

Annotations annotationsFromJson(const base::Json& json) {
    Annotations annotations;
    if (!json.is_object()) return annotations;
    annotations.name = valueOr(json, "name", std::string());
    annotations.notes = valueOr(json, "notes", std::string());
    annotations.color =
        static_cast<int>(std::clamp<std::int64_t>(valueOr(json, "color", std::int64_t{-1}), -1, 1'000'000));
    annotations.archived = json.contains("archived") && json["archived"] == true;
    if (const auto tags = json.find("tags"); tags != json.end() && tags->is_array())
        for (const auto& tag : *tags)
            if (tag.is_string()) annotations.tags.push_back(tag.get<std::string>());
    return annotations;
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
