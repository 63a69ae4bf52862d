// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <string>

namespace fairy2::models {

/// Where a model that the user named is, and what to call it.
struct Location {
    base::Path folder;
    std::string displayName; ///< "SmolLM2-135M", "org/name" from the cache, "RUN/step-200" inside a run
    base::Path file;         ///< the weight file that was named instead of its folder, or empty
};

/// Finds a model by folder, by a file of it (config.json, *.safetensors, its index), by `~/…`, or by org/name
/// in the local Hugging Face cache. Refuses pickles by name and by content.
[[nodiscard]] base::Result<Location> locateModel(const std::string& pathOrName);

/// BadInput with the cure when a file is a pickle or a zip archive of pickles (.bin, .pt, .pth, .ckpt, .pkl,
/// or its first bytes say so). Such files run code when they are opened, so nothing here ever opens one.
[[nodiscard]] base::Result<void> refusePickle(const base::Path& file);

} // namespace fairy2::models
