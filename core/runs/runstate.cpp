// SPDX-License-Identifier: Apache-2.0
#include "runs/rundirectory.h"

#include <array>

namespace fairy2::runs {
namespace {

constexpr std::array kNames = {"queued",   "starting", "running", "stopping",
                               "finished", "failed",   "lost",    "cancelled"};

} // namespace

const char* name(RunState state) noexcept {
    return kNames[static_cast<std::size_t>(state)];
}

base::Result<RunState> parseRunState(const std::string& text) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (text == kNames[i]) return static_cast<RunState>(i);
    return base::badInput("'" + text + "' is no state of a run");
}

bool isFinal(RunState state) noexcept {
    return state == RunState::Finished || state == RunState::Failed || state == RunState::Lost ||
           state == RunState::Cancelled;
}

} // namespace fairy2::runs
