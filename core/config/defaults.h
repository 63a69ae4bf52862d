// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/override.h"
#include "config/repository.h"

namespace fairy2::config {

/// One file of the final defaults list: merged in this order, each below its package.
struct Default {
    std::string path;    ///< "training/fairy2_w2"
    std::string package; ///< "training"; empty = the root
};

struct DefaultsList {
    std::vector<Default> files;
    std::vector<Override> valueOverrides;       ///< those that do not choose a group's option
    std::map<std::string, std::string> choices; ///< group → option ("" = none)
};

/// Expands the defaults lists from the primary config down, with Hydra 1.3 semantics (version_base 1.3):
/// _self_, optional, override, null, absolute and relative groups, packages, lists of options, interpolation
/// of choices. Overrides that choose groups are taken; sweeps are an error.
[[nodiscard]] base::Result<DefaultsList> expandDefaults(Repository& repository, const std::string& primary,
                                                        const std::vector<Override>& overrides);

} // namespace fairy2::config
