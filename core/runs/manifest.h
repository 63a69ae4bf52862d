// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"
#include "base/json.h"

namespace fairy2::runs {

/// Writes manifest.json of a checkpoint folder: {"format", "algorithm", "files": {path: {bytes, sha256}}}
/// over all regular files below it, and what `extra` adds. Returns the SHA-256 of the manifest, which names
/// the checkpoint.
[[nodiscard]] base::Result<std::string> writeManifest(const base::Path& folder, const base::Json& extra);

/// Reads every listed file again; any that is missing, has another length or another hash is an error naming
/// it. A manifest that is not byte for byte as written is an error too. Returns the manifest.
[[nodiscard]] base::Result<base::Json> verifyManifest(const base::Path& folder);

} // namespace fairy2::runs
