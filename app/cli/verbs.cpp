// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

namespace fairy2::cli {

const std::vector<AddVerb>& verbs() {
    static const std::vector<AddVerb> all = {
        addQuantize,
        addConfig,
        addData,
        addDoctor,
        addSupervise,
    };
    return all;
}

} // namespace fairy2::cli
