// SPDX-License-Identifier: Apache-2.0
#include "models/spec.h"

#include <cmath>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto json = fairy2::base::parseJson({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (!json) return 0;
    const auto spec = fairy2::models::parseSpec(*json, "fuzz");
    if (!spec) {
        if (spec.error().message.empty()) std::abort();
        return 0;
    }
    // What is accepted can be counted and computed with.
    if (spec->parameters() <= 0 || spec->heads % spec->kvHeads != 0) std::abort();
    for (const double frequency : fairy2::models::ropeInverseFrequencies(*spec))
        if (!std::isfinite(frequency) || frequency < 0) std::abort();
    if (fairy2::models::tensorSlots(*spec).empty()) std::abort();
    return 0;
}
