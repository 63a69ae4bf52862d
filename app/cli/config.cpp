// SPDX-License-Identifier: Apache-2.0
#include "config/compose.h"
#include "verb.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace fairy2::cli {
namespace {

std::string shown(const base::Json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.dump(-1, ' ', false, base::Json::error_handler_t::replace);
}

const base::Json* valueAt(const base::Json& tree, const std::string& key) {
    const base::Json* node = &tree;
    for (const auto& part : config::splitPath(key)) {
        if (!node->is_object() || !node->contains(part)) return nullptr;
        node = &(*node)[part];
    }
    return node;
}

// key, value with unit, source; in the order of the schema.
std::string table(const config::Composition& composition) {
    std::size_t keyWidth = 0;
    std::size_t valueWidth = 0;
    std::vector<std::array<std::string, 3>> rows;
    for (const auto& info : config::schema()) {
        const auto* value = valueAt(composition.tree, info.key);
        if (value == nullptr) continue;
        const auto source = composition.sources.find(info.key);
        auto text = shown(*value);
        if (!info.unit.empty()) text += " " + info.unit;
        rows.push_back({info.key, text, source == composition.sources.end() ? "" : source->second});
        keyWidth = std::max(keyWidth, info.key.size());
        valueWidth = std::max(valueWidth, std::min<std::size_t>(text.size(), 48));
    }
    std::string result;
    for (const auto& [key, value, source] : rows)
        result += fmt::format("{:<{}}  {:<{}}  {}\n", key, keyWidth, value, valueWidth, source);
    return result;
}

} // namespace

void addConfig(CLI::App& program, Invocation& invocation) {
    auto* verb = program.add_subcommand("config", "the composed configuration of a run");
    verb->require_subcommand(1);
    auto* show = declareVerb(*verb, invocation, "show", "every value and where it comes from",
                             "fairy2 config show training=fairy2_w1 training.max_steps=100");
    auto overrides = std::make_shared<std::vector<std::string>>();
    show->add_option("overrides", *overrides, "group=option and key=value, in Hydra's grammar");
    show->callback([&invocation, overrides] {
        invocation.run = [overrides]() -> base::Result<Outcome> {
            FAIRY2_ASSIGN(const auto composition, config::compose(*overrides));
            return Outcome{composition.toJson(), table(composition)};
        };
    });
}

} // namespace fairy2::cli
