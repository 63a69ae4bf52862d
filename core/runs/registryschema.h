// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/sqlite.h"

namespace fairy2::runs {

/// "f2rg": says whose file it is.
inline constexpr std::int64_t kRegistryApplication = 0x66327267;

/// The version this build writes; each step to it is one transaction that also sets user_version.
[[nodiscard]] int registryVersion() noexcept;

/// What a file is to this build.
enum class RegistryKind { Empty, Current, Older, Newer, Foreign };
[[nodiscard]] RegistryKind kindOf(const Database& database);

/// Brings an empty or older file to the current version, a backup beside it first.
void migrate(const Database& database, const base::Path& file);

} // namespace fairy2::runs
