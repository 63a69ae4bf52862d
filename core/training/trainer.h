// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

namespace fairy2::training {

/// Runs the training described by a run directory until it is done, or a signal asks it to save and stop.
/// Reads run.json, writes log/ and checkpoints/. `resume` continues from the latest verified checkpoint.
[[nodiscard]] base::Result<void> train(const base::Path& runDirectory, bool resume);

} // namespace fairy2::training
