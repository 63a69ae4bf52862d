// SPDX-License-Identifier: Apache-2.0
#include "runs/rundirectory.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "runs/runreplay.h"
#include "runs/supervisorfile.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>

namespace fairy2::runs {
namespace {

// A run that is just being launched has no supervisor yet.
constexpr double kLaunchSeconds = 20;
constexpr base::JsonLimits kRunFile{std::size_t{16} << 20, 64};

base::Path runFile(const base::Path& run) {
    return run / "run.json";
}
base::Path annotationsFile(const base::Path& run) {
    return run / "annotations.json";
}

std::string hashOf(base::Json run) {
    run.erase("sha256");
    return base::sha256Hex(run.dump());
}

base::Result<void> refuseFilled(const base::Path& directory) {
    std::error_code error;
    if (!std::filesystem::exists(directory, error)) return {};
    if (std::filesystem::is_directory(directory, error) && std::filesystem::is_empty(directory, error))
        return {};
    return base::badInput("the folder of the run exists and is not empty", directory.string(), "run.dir",
                          "choose another run.dir, or resume the run that is there");
}

base::Json toJson(const Annotations& annotations) {
    return {{"name", annotations.name},
            {"tags", annotations.tags},
            {"notes", annotations.notes},
            {"color", annotations.color},
            {"archived", annotations.archived}};
}

// "step-120" → 120
std::optional<std::int64_t> stepOf(const base::Path& folder) {
    const auto name = folder.filename().string();
    if (!name.starts_with("step-")) return {};
    std::int64_t step = 0;
    const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), step);
    if (error != std::errc() || end != name.data() + name.size() || step < 0) return {};
    return step;
}

} // namespace

base::Result<RunDirectory> RunDirectory::create(const base::Path& directory, const base::Json& config,
                                                const base::Json& sources, const std::string& command,
                                                const std::string& name) {
    FAIRY2_TRY(refuseFilled(directory));
    base::Json run = {{"uuid", base::newUuid()},
                      {"created", base::wallTime()},
                      {"command", command},
                      {"config", config},
                      {"sources", sources}};
    run["sha256"] = hashOf(run);
    const auto target = std::filesystem::absolute(directory).lexically_normal();
    const auto final = target.has_filename() ? target : target.parent_path();
    // Filled beside its place and renamed, so that nobody sees half a run.
    base::Path temporary = final;
    temporary += ".tmp-" + base::newUuid().substr(0, 8);
    const auto fill = [&]() -> base::Result<void> {
        FAIRY2_TRY(base::makeDirectories(temporary / "log"));
        FAIRY2_TRY(base::makeDirectories(temporary / "checkpoints"));
        FAIRY2_TRY(base::writeFileAtomically(runFile(temporary), run.dump(2) + "\n"));
        Annotations annotations;
        annotations.name = name;
        FAIRY2_TRY(base::writeFileAtomically(annotationsFile(temporary), toJson(annotations).dump(2) + "\n"));
        std::error_code error;
        std::filesystem::rename(temporary, final, error);
        if (error) return tl::unexpected(base::systemError("create the run", final, error.value()));
        return base::syncDirectory(final.parent_path());
    };
    if (auto filled = fill(); !filled) {
        std::error_code ignored;
        std::filesystem::remove_all(temporary, ignored);
        return tl::unexpected(std::move(filled).error());
    }
    return open(final);
}

base::Result<RunDirectory> RunDirectory::open(const base::Path& directory) {
    const auto file = runFile(directory);
    FAIRY2_ASSIGN(const auto run, base::readJson(file, kRunFile));
    RunDirectory result;
    result.m_path = directory;
    FAIRY2_ASSIGN(result.m_uuid, base::jsonString(run, "uuid", file.string()));
    FAIRY2_ASSIGN(result.m_created, base::jsonNumber(run, "created", file.string()));
    FAIRY2_ASSIGN(result.m_command, base::jsonString(run, "command", file.string()));
    FAIRY2_ASSIGN(const auto hash, base::jsonString(run, "sha256", file.string()));
    if (hash != hashOf(run))
        return base::badInput("the file was changed after the run was started: its SHA-256 does not agree",
                              file.string(), "sha256");
    result.m_config = run.value("config", base::Json::object());
    result.m_sources = run.value("sources", base::Json::object());
    return result;
}

base::Result<Annotations> RunDirectory::annotations() const {
    const auto file = annotationsFile(m_path);
    Annotations annotations;
    if (!std::filesystem::exists(file)) return annotations;
    FAIRY2_ASSIGN(const auto json, base::readJson(file));
    FAIRY2_ASSIGN(annotations.name, base::jsonString(json, "name", file.string()));
    FAIRY2_ASSIGN(annotations.notes, base::jsonString(json, "notes", file.string()));
    FAIRY2_ASSIGN(const auto color, base::jsonInteger(json, "color", -1, 1'000'000, file.string()));
    annotations.color = static_cast<int>(color);
    for (const auto& tag : json.value("tags", base::Json::array()))
        if (tag.is_string()) annotations.tags.push_back(tag.get<std::string>());
    annotations.archived = json.contains("archived") && json["archived"] == true;
    return annotations;
}

base::Result<void> RunDirectory::setAnnotations(const Annotations& annotations) const {
    return base::writeFileAtomically(
        annotationsFile(m_path),
        toJson(annotations).dump(2, ' ', false, base::Json::error_handler_t::replace) + "\n");
}

base::Result<RunSummary> RunDirectory::summary() const {
    FAIRY2_ASSIGN(const auto replay, replayLog(logDirectory()));
    return summaryOf(replay);
}

base::Result<RunSummary> RunDirectory::summaryOf(const RunReplay& replay) const {
    RunSummary summary;
    summary.uuid = m_uuid;
    summary.directory = m_path;
    summary.state = replay.state;
    summary.reason = replay.reason;
    summary.created = m_created;
    summary.updated = std::max(replay.updated, m_created);
    summary.step = replay.step;
    summary.damagedRecords = replay.damaged;
    summary.config = m_config;
    summary.command = m_command;
    const auto training = m_config.find("training");
    if (training != m_config.end() && training->is_object()) {
        const auto steps = training->find("max_steps");
        if (steps != training->end() && steps->is_number_integer())
            summary.maxSteps = steps->get<std::int64_t>();
    }
    FAIRY2_ASSIGN(summary.annotations, annotations());
    for (const auto& [step, logged] : replay.checkpoints) {
        auto entry = logged;
        if (entry.path.is_relative()) entry.path = m_path / entry.path;
        if (std::filesystem::exists(entry.path / "manifest.json"))
            summary.checkpoints.push_back(std::move(entry));
    }
    const bool isLaunching =
        summary.state == RunState::Queued && base::wallTime() - summary.created < kLaunchSeconds;
    if (!isFinal(summary.state) && !isLaunching && !livingSupervisor(m_path)) {
        summary.state = RunState::Lost;
        summary.reason = fmt::format(
            "the supervisor is gone: it was killed, or the machine restarted, while the run was {}",
            name(replay.state));
    }
    return summary;
}

base::Result<std::vector<std::pair<std::int64_t, double>>>
RunDirectory::metric(const std::string& tag) const {
    std::map<std::int64_t, double> values;
    FAIRY2_TRY(forEachRecord(logDirectory(), [&](const LogRecord& record) {
        for (const auto& [name, value] : record.scalars)
            if (name == tag) values[record.step] = value;
    }));
    return std::vector<std::pair<std::int64_t, double>>(values.begin(), values.end());
}

std::optional<CheckpointEntry> RunDirectory::latestCheckpoint() const {
    std::map<std::int64_t, base::Path, std::greater<>> folders;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(checkpointDirectory(), error))
        if (const auto step = stepOf(entry.path())) folders[*step] = entry.path();
    for (const auto& [step, folder] : folders) {
        if (!verifyManifest(folder)) continue;
        const auto hash = base::sha256OfFile(folder / "manifest.json");
        if (hash) return CheckpointEntry{step, folder, *hash};
    }
    return {};
}

} // namespace fairy2::runs
