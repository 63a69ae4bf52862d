// SPDX-License-Identifier: Apache-2.0
#include "runs/registryrows.h"

#include "base/clock.h"
#include "base/hash.h"
#include "runs/supervisorfile.h"

#include <bit>
#include <fmt/format.h>

namespace fairy2::runs {
namespace {

base::Json parsed(const std::string& text) {
    auto json = base::parseJson(text, "registry", {std::size_t{64} << 20, 64});
    return json ? *std::move(json) : base::Json();
}

std::string checkpointsText(const RunReplay& replay) {
    auto list = base::Json::array();
    for (const auto& [step, entry] : replay.checkpoints)
        list.push_back({{"step", step}, {"path", entry.path.string()}, {"sha256", entry.sha256}});
    return list.dump(-1, ' ', false, base::Json::error_handler_t::replace);
}

void readCheckpoints(const std::string& text, RunReplay& into) {
    for (const auto& item : parsed(text)) {
        if (!item.is_object()) continue;
        CheckpointEntry entry;
        entry.step = item.value("step", std::int64_t{0});
        entry.path = item.value("path", std::string());
        entry.sha256 = item.value("sha256", std::string());
        into.checkpoints[entry.step] = entry;
    }
}

} // namespace

std::string RunRow::hash() const {
    base::Sha256 hash;
    const auto add = [&hash](const std::string& text) {
        hash.update(fmt::format("{}:", text.size()));
        hash.update(text);
    };
    for (const auto& text : {uuid, directory, command, config, std::string(name(replay.state)), replay.reason,
                             checkpointsText(replay), annotations})
        add(text);
    add(fmt::format("{} {} {} {} {} {} {}", std::bit_cast<std::uint64_t>(created), maxSteps,
                    replay.stateSequence, std::bit_cast<std::uint64_t>(replay.updated), replay.step,
                    replay.damaged, folderTime));
    return hash.hex();
}

RunSummary RunRow::summary() const {
    RunSummary result;
    result.uuid = uuid;
    result.directory = directory;
    result.created = created;
    result.command = command;
    result.config = parsed(config);
    result.maxSteps = maxSteps;
    result.annotations = annotationsFromJson(parsed(annotations));
    fillFrom(replay, result);
    return result;
}

RunRow readRun(const Statement& statement) {
    RunRow row;
    row.id = statement.integer(0);
    row.uuid = statement.text(1);
    row.directory = statement.text(2);
    row.created = statement.real(3);
    row.command = statement.text(4);
    row.config = statement.text(5);
    row.maxSteps = statement.integer(6);
    row.replay.state = parseRunState(statement.text(7)).value_or(RunState::Queued);
    row.replay.stateSequence = statement.integer(8);
    row.replay.reason = statement.text(9);
    row.replay.updated = statement.real(10);
    row.replay.step = statement.integer(11);
    row.replay.damaged = statement.integer(12);
    readCheckpoints(statement.text(13), row.replay);
    row.annotations = statement.text(14);
    row.folderTime = statement.integer(15);
    row.storedHash = statement.text(16);
    return row;
}

void writeRun(const Database& database, RunRow& row) {
    database.execute("UPDATE facts SET value=value+1 WHERE name='revision'");
    auto statement = database.prepare(
        row.id == 0
            ? "INSERT INTO runs(uuid, directory, created, command, config, max_steps, state, state_sequence, "
              "reason, updated, step, damaged, checkpoints, annotations, folder_time, sha256, revision) "
              "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,(SELECT value FROM facts WHERE name='revision'))"
            : "UPDATE runs SET uuid=?, directory=?, created=?, command=?, config=?, max_steps=?, state=?, "
              "state_sequence=?, reason=?, updated=?, step=?, damaged=?, checkpoints=?, annotations=?, "
              "folder_time=?, sha256=?, revision=(SELECT value FROM facts WHERE name='revision') WHERE id=?");
    row.storedHash = row.hash();
    statement.bind(0, row.uuid)
        .bind(1, row.directory)
        .bind(2, row.created)
        .bind(3, row.command)
        .bind(4, row.config)
        .bind(5, row.maxSteps)
        .bind(6, name(row.replay.state))
        .bind(7, row.replay.stateSequence)
        .bind(8, row.replay.reason)
        .bind(9, row.replay.updated)
        .bind(10, row.replay.step)
        .bind(11, row.replay.damaged)
        .bind(12, checkpointsText(row.replay))
        .bind(13, row.annotations)
        .bind(14, row.folderTime)
        .bind(15, row.storedHash);
    if (row.id != 0) statement.bind(16, row.id);
    statement.run();
    if (row.id == 0) row.id = database.lastId();
}

} // namespace fairy2::runs
