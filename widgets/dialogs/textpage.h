// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QString>

class QTextBrowser;

namespace fairy2::dialogs {

/// A read-only page of rich text in the colours of the theme, also after a switch.
[[nodiscard]] QTextBrowser* makeTextPage(const QString& html, const QString& accessibleName);

} // namespace fairy2::dialogs
