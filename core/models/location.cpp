// SPDX-License-Identifier: Apache-2.0
#include "models/location.h"

#include "base/printable.h"
#include "hub/cache.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>

namespace fairy2::models {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelShape =
    "a model is a folder with config.json and *.safetensors, or org/name in the "
    "Hugging Face cache";

base::Path expandHome(const std::string& text) {
    const char* home = std::getenv("HOME");
    if (home == nullptr || (text != "~" && text.rfind("~/", 0) != 0)) return text;
    return base::Path(home) / text.substr(std::min<std::size_t>(2, text.size()));
}

// The names that folders of runs and of the Hugging Face cache have say little by themselves.
std::string displayNameOf(const base::Path& folder) {
    std::error_code error;
    auto path = fs::absolute(folder, error).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    const auto name = path.filename().string();
    const auto parent = path.parent_path();
    const auto grandparent = parent.parent_path();
    if (parent.filename() == "checkpoints" && grandparent.has_filename())
        return fmt::format("{}/{}", grandparent.filename().string(), name);
    if (parent.filename() == "snapshots")
        if (auto repository = hub::repositoryOf(grandparent); !repository.empty()) return repository;
    return name.empty() ? path.string() : name;
}

base::Result<Location> locateFile(const base::Path& file) {
    FAIRY2_TRY(refusePickle(file));
    const auto name = file.filename().string();
    const auto folder = file.has_parent_path() ? file.parent_path() : base::Path(".");
    if (name == "config.json" || name == "fairy2.json" || name.ends_with(".safetensors.index.json"))
        return Location{folder, displayNameOf(folder), {}};
    if (name.ends_with(".safetensors")) return Location{folder, displayNameOf(folder), file};
    return base::badInput("this file is not part of a model that can be opened", file.string(), {},
                          kModelShape);
}

} // namespace

base::Result<void> refusePickle(const base::Path& file) {
    constexpr std::array kSuffixes{".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"};
    const auto suffix = file.extension().string();
    const bool named = std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();

    std::array<char, 9> first{};
    std::ifstream(file, std::ios::binary).read(first.data(), first.size());
    const std::string_view magic(first.data(), first.size());
    // The length of a safetensors header may happen to look like a magic number; what follows it tells.
    const bool safetensors = magic.substr(4) == std::string_view("\0\0\0\0{", 5);
    const bool zip = !safetensors && magic.substr(0, 4) == std::string_view("PK\x03\x04", 4);
    const bool pickle = !safetensors && magic[0] == '\x80' && magic[1] >= 2 && magic[1] <= 5;
    if (!named && !zip && !pickle) return {};
    return base::badInput(
        fmt::format("this is a PyTorch pickle{}; opening one can run any code, so it is refused",
                    zip ? " (zip archive)" : ""),
        file.string(), {},
        "convert it to safetensors where you trust it, for example with transformers' save_pretrained, and "
        "open that folder");
}

base::Result<Location> locateModel(const std::string& pathOrName) {
    if (pathOrName.empty()) return base::badInput("no model was named", {}, {}, kModelShape);
    const auto path = expandHome(pathOrName);
    std::error_code error;
    if (fs::is_directory(path, error)) return Location{path, displayNameOf(path), {}};
    if (fs::exists(path, error)) return locateFile(path);
    if (hub::looksLikeRepository(pathOrName)) {
        auto folder = hub::locate(pathOrName);
        if (folder) return Location{*folder, pathOrName, {}};
        folder.error().message = "there is no such file or folder here, and " + folder.error().message;
        return tl::unexpected(std::move(folder.error()));
    }
    return base::fail(base::ErrorCode::NotFound, "there is no such file or folder",
                      base::printable(path.string(), 1024), {}, kModelShape);
}

} // namespace fairy2::models
