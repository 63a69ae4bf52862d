// SPDX-License-Identifier: Apache-2.0
#include "config/compose.h"

#include "base/paths.h"
#include "config/composer.h"
#include "config/interpolation.h"
#include "config/nearest.h"

#include <fmt/format.h>

namespace fairy2::config {
namespace {

base::Path configsFolder() {
    return base::dataDirectory() / "configs";
}

} // namespace

base::Json Composition::toJson() const {
    return {{"config", tree}, {"sources", sources}};
}

base::Result<Composition> compose(const std::vector<std::string>& overrides) {
    std::vector<Override> parsed;
    for (const auto& text : overrides) {
        FAIRY2_ASSIGN(auto override, parseOverride(text));
        parsed.push_back(std::move(override));
    }
    Repository repository(configsFolder());
    FAIRY2_ASSIGN(const auto tree, composeTree(repository, "config", parsed, schemaDefaults()));
    FAIRY2_ASSIGN(auto resolved, resolve(tree));
    FAIRY2_TRY(checkAgainstSchema(resolved));
    Composition composition;
    composition.tree = resolved.toJson();
    composition.sources = resolved.sources();
    return composition;
}

base::Result<std::vector<std::string>> groupOptions(const std::string& group) {
    const Repository repository(configsFolder());
    if (!repository.isGroup(group))
        return base::fail(base::ErrorCode::NotFound, fmt::format("there is no group '{}'", group),
                          configsFolder().string());
    return repository.options(group);
}

} // namespace fairy2::config
