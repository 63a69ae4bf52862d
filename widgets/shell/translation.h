// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fairy2::shell {

/// Installs the translation of the user's language, or the English one, which carries the plural forms.
void installTranslation();

} // namespace fairy2::shell
