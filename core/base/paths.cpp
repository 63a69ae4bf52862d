// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"

#include <cstdlib>
#include <sstream>
#include <unistd.h>

namespace fairy2::base {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

Path userFolder(const char* xdgVariable, const char* fallback, const char* inHome) {
    if (const auto home = environment("FAIRY2_HOME"); !home.empty()) return Path(home) / inHome;
    if (const auto base = environment(xdgVariable); !base.empty()) return Path(base) / "fairy2";
    return Path(environment("HOME")) / fallback / "fairy2";
}

Path programFolder() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

} // namespace

Path homeDirectory() {
    return userFolder("XDG_DATA_HOME", ".local/share", "");
}

Path stateDirectory() {
    return userFolder("XDG_STATE_HOME", ".local/state", "state");
}

Path cacheDirectory() {
    return userFolder("XDG_CACHE_HOME", ".cache", "cache");
}

Path dataDirectory() {
    if (const auto data = environment("FAIRY2_DATA"); !data.empty()) return data;
    const Path installed = programFolder().parent_path() / "share" / "fairy2";
    if (std::filesystem::exists(installed / "configs")) return installed;
    if (std::filesystem::exists(Path(FAIRY2_SOURCE_DIR) / "configs")) return FAIRY2_SOURCE_DIR;
    return FAIRY2_INSTALL_DATADIR;
}

Result<Path> findProgram(const std::string& name) {
    const Path beside = programFolder() / name;
    if (::access(beside.c_str(), X_OK) == 0) return beside;
    // Tests live in build/…/tests beside build/…/bin.
    const Path sibling = programFolder().parent_path() / "bin" / name;
    if (::access(sibling.c_str(), X_OK) == 0) return sibling;
    std::istringstream folders(environment("PATH"));
    for (std::string folder; std::getline(folders, folder, ':');)
        if (const Path candidate = Path(folder) / name; ::access(candidate.c_str(), X_OK) == 0)
            return candidate;
    return fail(ErrorCode::NotFound, "the program " + name + " is neither beside this one nor in PATH", {},
                {}, "build it with ./dev build");
}

const char* version() noexcept {
    return FAIRY2_VERSION;
}

} // namespace fairy2::base
