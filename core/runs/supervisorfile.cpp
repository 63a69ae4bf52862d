// SPDX-License-Identifier: Apache-2.0
#include "runs/supervisorfile.h"

#include "base/json.h"

#include <charconv>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace fairy2::runs {
namespace {

base::Path supervisorFile(const base::Path& run) {
    return run / "supervisor.json";
}

std::string bootId() {
    std::string id;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
    return id;
}

} // namespace

std::optional<ProcessIdentity> identityOf(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    const std::string stat{std::istreambuf_iterator<char>(file), {}};
    // The name in parentheses may hold spaces and parentheses; the fields after it are plain. State is
    // field 3.
    const auto close = stat.rfind(')');
    if (close == std::string::npos) return {};
    std::istringstream fields(stat.substr(close + 1));
    std::string state;
    fields >> state;
    if (state.empty() || state == "Z" || state == "X") return {};
    std::string skipped;
    for (int field = 4; field < 22; ++field)
        fields >> skipped;
    ProcessIdentity identity;
    identity.pid = pid;
    if (!(fields >> identity.startTime)) return {};
    identity.bootId = bootId();
    return identity;
}

base::Result<void> writeSupervisorFile(const base::Path& run, const std::string& uuid) {
    const auto self = identityOf(::getpid());
    if (!self)
        return base::fail(base::ErrorCode::Io, "cannot read /proc/self/stat", {}, {}, "is /proc mounted?");
    const base::Json json = {
        {"pid", self->pid}, {"start_time", self->startTime}, {"boot_id", self->bootId}, {"run", uuid}};
    return base::writeFileAtomically(supervisorFile(run), json.dump(2) + "\n");
}

void removeSupervisorFile(const base::Path& run) {
    std::error_code ignored;
    std::filesystem::remove(supervisorFile(run), ignored);
}

std::optional<pid_t> livingSupervisor(const base::Path& run) {
    const auto json = base::readJson(supervisorFile(run));
    if (!json || !json->is_object()) return {};
    const auto file = supervisorFile(run).string();
    const auto pid = base::jsonInteger(*json, "pid", 1, 1 << 30, file);
    const auto start = base::jsonInteger(*json, "start_time", 0, INT64_MAX, file);
    const auto boot = base::jsonString(*json, "boot_id", file);
    if (!pid || !start || !boot) return {};
    const ProcessIdentity named{static_cast<pid_t>(*pid), static_cast<std::uint64_t>(*start), *boot};
    if (identityOf(named.pid) != named) return {};
    return named.pid;
}

} // namespace fairy2::runs
