// SPDX-License-Identifier: Apache-2.0
#pragma once

class QSettings;

namespace fairy2::shell {

/// What the window remembers between starts (layout, recent models, shortcuts, folders): workbench.ini in
/// the state directory. GUI thread only; written in the background of the event loop.
[[nodiscard]] QSettings& settings();

} // namespace fairy2::shell
