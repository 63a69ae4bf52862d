// SPDX-License-Identifier: Apache-2.0
#include "runs/rundirectory.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "runs/runreplay.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>

namespace fairy2::runs {
namespace {

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
        FAIRY2_TRY(base::writeFileAtomically(annotationsFile(temporary),
                                             annotationsToJson(annotations).dump(2) + "\n"));
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
    if (!std::filesystem::exists(file)) return Annotations{};
    FAIRY2_ASSIGN(const auto json, base::readJson(file));
    if (!json.is_object()) return base::badInput("a JSON object was expected", file.string());
    return annotationsFromJson(json);
}

base::Result<void> RunDirectory::setAnnotations(const Annotations& annotations) const {
    return base::writeFileAtomically(
        annotationsFile(m_path),
        annotationsToJson(annotations).dump(2, ' ', false, base::Json::error_handler_t::replace) + "\n");
}

base::Result<RunSummary> RunDirectory::summary() const {
    FAIRY2_ASSIGN(const auto replay, replayLog(logDirectory()));
    return summaryOf(replay);
}

base::Result<RunSummary> RunDirectory::summaryOf(const RunReplay& replay) const {
    RunSummary summary;
    summary.uuid = m_uuid;
    summary.directory = m_path;
    summary.created = m_created;
    summary.config = m_config;
    summary.command = m_command;
    summary.maxSteps = maxStepsOf(m_config);
    FAIRY2_ASSIGN(summary.annotations, annotations());
    auto current = replay;
    keepExisting(current, m_path);
    fillFrom(current, summary);
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
