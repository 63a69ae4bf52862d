// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

namespace fairy2::cli {

const std::vector<AddVerb>& verbs() {
    // clang-format off
    static const std::vector<AddVerb> all = {
        addInspect,
        addAnalyze,
        addQuantize,
        addEval,
        addGenerate,
        addExport,
        addTrain,
        addSmoke,
        addConfig,
        addRuns,
        addData,
        addTokenize,
        addDoctor,
        addSupervise,
    };
    // clang-format on
    return all;
}

} // namespace fairy2::cli
