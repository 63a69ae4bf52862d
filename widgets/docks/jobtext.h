// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

class QProgressBar;

namespace fairy2::shell {
class Job;
}

namespace fairy2::docks {

/// "46 % · 8 s left", "done in 0.8 s", "failed: …", "no progress for 30 s": never a bar that freezes
/// silently.
[[nodiscard]] QString jobText(const shell::Job& job);
/// Value and range of a bar for the job; an unknown total moves to and fro.
void setBar(QProgressBar& bar, const shell::Job& job);

} // namespace fairy2::docks
