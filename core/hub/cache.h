// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <string>
#include <vector>

namespace fairy2::hub {

/// Root of the ordinary Hugging Face cache: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, $HF_HOME/hub,
/// $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub (huggingface_hub constants.py).
[[nodiscard]] base::Path cacheRoot();

/// Whether a text has the form org/name or name of a Hub repository, with or without @revision, by the rules
/// of huggingface_hub (validate_repo_id), and is not an existing path.
[[nodiscard]] bool looksLikeRepository(const std::string& text);

/// The snapshot folder of `org/name[@revision]` (default main); NotFound says how to download it. A revision
/// is a branch, a tag, "refs/pr/N" or a whole commit hash. Nothing outside the cache is ever named.
[[nodiscard]] base::Result<base::Path> locate(const std::string& repository);

/// "org/name" for a folder "models--org--name" as the cache calls it; empty for any other.
[[nodiscard]] std::string repositoryOf(const base::Path& folder);

/// Snapshots present, sorted by name: `org/name` for the one that main points to, `org/name@commit` for
/// others.
struct CachedModel {
    std::string repository;
    base::Path folder;
};
[[nodiscard]] std::vector<CachedModel> scan();

} // namespace fairy2::hub
