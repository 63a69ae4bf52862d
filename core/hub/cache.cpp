// SPDX-License-Identifier: Apache-2.0
#include "hub/cache.h"

#include "base/printable.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <string_view>

namespace fairy2::hub {
namespace {

constexpr std::string_view kModelPrefix = "models--";
constexpr std::size_t kMaxRevisionBytes = 256;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

base::Path expandHome(const std::string& text) {
    if (text == "~" || text.rfind("~/", 0) == 0)
        return base::Path(environment("HOME")) / text.substr(std::min<std::size_t>(2, text.size()));
    return text;
}

bool isWordCharacter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

// One half of a repository's name, as huggingface_hub's validate_repo_id allows it.
bool isRepositoryWord(std::string_view word) {
    const auto edge = [](char c) { return c == '-' || c == '.'; };
    return !word.empty() && word.size() <= 96 && std::all_of(word.begin(), word.end(), isWordCharacter) &&
           !edge(word.front()) && !edge(word.back()) && word.find("--") == std::string_view::npos &&
           word.find("..") == std::string_view::npos && !word.ends_with(".git");
}

// A branch or tag may hold slashes; none of its parts may climb out of refs/.
bool isRevision(std::string_view revision) {
    if (revision.empty() || revision.size() > kMaxRevisionBytes) return false;
    for (std::size_t begin = 0; begin <= revision.size();) {
        const auto end = std::min(revision.find('/', begin), revision.size());
        const auto part = revision.substr(begin, end - begin);
        if (part.empty() || part.front() == '.' ||
            !std::all_of(part.begin(), part.end(), [](char c) { return isWordCharacter(c) || c == '+'; }))
            return false;
        begin = end + 1;
    }
    return true;
}

bool isCommit(std::string_view text) {
    return text.size() == 40 &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

struct Name {
    std::string repository; // "org/name" or "name"
    std::string revision;

    [[nodiscard]] base::Path folder() const {
        auto flat = repository;
        if (const auto slash = flat.find('/'); slash != std::string::npos) flat.replace(slash, 1, "--");
        return cacheRoot() / (std::string(kModelPrefix) + flat);
    }
};

std::optional<Name> parseName(const std::string& text) {
    const auto at = text.find('@');
    Name name{text.substr(0, at), at == std::string::npos ? "main" : text.substr(at + 1)};
    const std::string_view repository = name.repository;
    const auto slash = repository.find('/');
    const auto owner = slash == std::string_view::npos ? std::string_view() : repository.substr(0, slash);
    const auto word = slash == std::string_view::npos ? repository : repository.substr(slash + 1);
    const bool valid = (slash == std::string_view::npos || isRepositoryWord(owner)) &&
                       isRepositoryWord(word) && isRevision(name.revision);
    return valid ? std::optional(name) : std::nullopt;
}

std::optional<std::string> commitOf(const base::Path& folder, const std::string& revision) {
    if (isCommit(revision)) return revision;
    auto text = base::readFile(folder / "refs" / revision, 4096);
    if (!text) return std::nullopt;
    text->erase(text->find_last_not_of(" \r\n") + 1);
    return isCommit(*text) ? std::optional(*text) : std::nullopt;
}

bool isDirectory(const base::Path& path) {
    std::error_code error;
    return std::filesystem::is_directory(path, error);
}

std::vector<base::Path> foldersIn(const base::Path& parent) {
    std::vector<base::Path> folders;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end;
         entry.increment(error))
        if (isDirectory(entry->path())) folders.push_back(entry->path());
    return folders;
}

} // namespace

base::Path cacheRoot() {
    for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
        if (const auto value = environment(variable); !value.empty()) return expandHome(value);
    if (const auto home = environment("HF_HOME"); !home.empty()) return expandHome(home) / "hub";
    if (const auto cache = environment("XDG_CACHE_HOME"); !cache.empty())
        return expandHome(cache) / "huggingface" / "hub";
    return base::Path(environment("HOME")) / ".cache" / "huggingface" / "hub";
}

bool looksLikeRepository(const std::string& text) {
    std::error_code error;
    return parseName(text).has_value() && !std::filesystem::exists(text, error);
}

base::Result<base::Path> locate(const std::string& repository) {
    const auto name = parseName(repository);
    if (!name)
        return base::badInput(
            fmt::format("'{}' is not the name of a Hugging Face model", base::printable(repository, 120)), {},
            {}, "a name looks like org/name or org/name@revision");
    const auto folder = name->folder();
    const bool main = name->revision == "main";
    const auto download = fmt::format("download it with: hf download {}{}", name->repository,
                                      main ? std::string() : " --revision " + name->revision);
    if (!isDirectory(folder))
        return base::fail(base::ErrorCode::NotFound,
                          fmt::format("'{}' is not in the Hugging Face cache", name->repository),
                          cacheRoot().string(), {}, download);
    const auto commit = commitOf(folder, name->revision);
    const auto snapshot = folder / "snapshots" / commit.value_or("");
    if (!commit || !isDirectory(snapshot))
        return base::fail(base::ErrorCode::NotFound,
                          fmt::format("revision '{}' of '{}' is not in the Hugging Face cache",
                                      name->revision, name->repository),
                          folder.string(), {}, download);
    return snapshot;
}

std::string repositoryOf(const base::Path& folder) {
    const auto name = folder.filename().string();
    if (name.rfind(kModelPrefix, 0) != 0) return {};
    const auto flat = name.substr(kModelPrefix.size());
    const auto dashes = flat.find("--");
    auto repository = dashes == std::string::npos
                          ? flat
                          : fmt::format("{}/{}", flat.substr(0, dashes), flat.substr(dashes + 2));
    return parseName(repository) ? repository : std::string();
}

std::vector<CachedModel> scan() {
    std::vector<CachedModel> models;
    for (const auto& folder : foldersIn(cacheRoot())) {
        const auto repository = repositoryOf(folder);
        if (repository.empty()) continue;
        const auto main = commitOf(folder, "main");
        for (const auto& snapshot : foldersIn(folder / "snapshots")) {
            const auto commit = snapshot.filename().string();
            if (!isCommit(commit)) continue;
            models.push_back({main == commit ? repository : repository + '@' + commit, snapshot});
        }
    }
    std::sort(models.begin(), models.end(),
              [](const CachedModel& a, const CachedModel& b) { return a.repository < b.repository; });
    return models;
}

} // namespace fairy2::hub
