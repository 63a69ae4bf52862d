// SPDX-License-Identifier: Apache-2.0
#include "runs/manifest.h"

#include "base/hash.h"

#include <fmt/format.h>

namespace fairy2::runs {
namespace {

constexpr const char* kName = "manifest.json";
constexpr const char* kSelf = "manifest_sha256";

// The hash of the manifest's own content stands in it, so that a flip anywhere in it is found.
std::string withoutSelf(base::Json manifest) {
    manifest.erase(kSelf);
    return manifest.dump();
}

base::Result<void> verifyFile(const base::Path& folder, const std::string& name, const base::Json& entry) {
    const base::Path relative(name);
    for (const auto& part : relative)
        if (part == ".." || relative.is_absolute())
            return base::badInput("the manifest lists a file outside its folder", (folder / kName).string(),
                                  name);
    const auto path = folder / relative;
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path, error);
    if (error) return tl::unexpected(base::systemError("read", path, error.value()));
    if (entry.at("bytes") != bytes)
        return base::badInput(fmt::format("the file has {} bytes and not {} as its manifest says", bytes,
                                          entry.at("bytes").dump()),
                              path.string());
    FAIRY2_ASSIGN(const auto hash, base::sha256OfFile(path));
    if (entry.at("sha256") != hash)
        return base::badInput("the content is not what was saved: its SHA-256 differs from the manifest",
                              path.string(), {}, "use an older checkpoint; this one is damaged");
    return {};
}

} // namespace

base::Result<std::string> writeManifest(const base::Path& folder, const base::Json& extra) {
    base::Json files = base::Json::object();
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error)) {
        const auto name = it->path().lexically_relative(folder).string();
        if (!it->is_regular_file() || name == kName) continue;
        FAIRY2_ASSIGN(const auto hash, base::sha256OfFile(it->path()));
        files[name] = {{"bytes", it->file_size()}, {"sha256", hash}};
    }
    if (error) return tl::unexpected(base::systemError("list", folder, error.value()));
    base::Json manifest = extra.is_object() ? extra : base::Json::object();
    manifest["format"] = 1;
    manifest["algorithm"] = "sha256";
    manifest["files"] = std::move(files);
    manifest[kSelf] = base::sha256Hex(withoutSelf(manifest));
    const auto text = manifest.dump(2) + "\n";
    FAIRY2_TRY(base::writeFileAtomically(folder / kName, text));
    return base::sha256Hex(text);
}

base::Result<base::Json> verifyManifest(const base::Path& folder) {
    const auto path = folder / kName;
    FAIRY2_ASSIGN(const auto text, base::readFile(path, std::size_t{16} << 20));
    FAIRY2_ASSIGN(const auto manifest, base::parseJson(text, path.string(), {std::size_t{16} << 20, 16}));
    const auto damaged = [&] { return base::badInput("the manifest is damaged", path.string()); };
    if (!manifest.is_object() || manifest.dump(2) + "\n" != text ||
        manifest.value(kSelf, std::string()) != base::sha256Hex(withoutSelf(manifest)))
        return damaged();
    if (manifest.value("format", 0) != 1)
        return base::badInput("this manifest is of a newer version", path.string(), "format",
                              "update fairy2");
    const auto files = manifest.find("files");
    if (files == manifest.end() || !files->is_object()) return damaged();
    for (const auto& [name, entry] : files->items()) {
        if (!entry.is_object() || !entry.contains("bytes") || !entry.contains("sha256")) return damaged();
        FAIRY2_TRY(verifyFile(folder, name, entry));
    }
    return manifest;
}

} // namespace fairy2::runs
