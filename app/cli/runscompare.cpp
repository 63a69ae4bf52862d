// SPDX-License-Identifier: Apache-2.0
#include "runscompare.h"

#include "table.h"

#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>

namespace fairy2::cli {
namespace {

// Dotted key → value of every leaf; lists count as leaves.
void flatten(const base::Json& node, const std::string& prefix, std::map<std::string, base::Json>& into) {
    if (!node.is_object()) {
        into[prefix] = node;
        return;
    }
    for (const auto& [key, value] : node.items())
        flatten(value, prefix.empty() ? key : prefix + "." + key, into);
}

std::string shown(const base::Json& value) {
    if (value.is_null()) return "–";
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, base::Json::error_handler_t::replace);
}

base::Json differences(const std::vector<runs::RunSummary>& runs) {
    std::vector<std::map<std::string, base::Json>> leaves(runs.size());
    std::set<std::string> keys;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        flatten(runs[i].config, {}, leaves[i]);
        for (const auto& [key, value] : leaves[i])
            keys.insert(key);
    }
    auto result = base::Json::object();
    for (const auto& key : keys) {
        auto values = base::Json::array();
        std::set<base::Json> distinct;
        for (const auto& leaf : leaves) {
            const auto found = leaf.find(key);
            values.push_back(found == leaf.end() ? base::Json() : found->second);
            distinct.insert(values.back());
        }
        if (distinct.size() > 1) result[key] = values;
    }
    return result;
}

} // namespace

base::Result<Outcome> compareRuns(const std::vector<runs::RunSummary>& runs, const runs::Registry& registry) {
    std::vector<std::string> headings = {""};
    auto ids = base::Json::array();
    std::set<std::string> tags;
    for (const auto& run : runs) {
        headings.push_back(run.annotations.name.empty() ? run.uuid.substr(0, 8) : run.annotations.name);
        ids.push_back(run.uuid);
        FAIRY2_ASSIGN(const auto own, registry.metricTags(run.uuid));
        tags.insert(own.begin(), own.end());
    }
    const auto unlike = differences(runs);
    Table table(headings);
    for (const auto& [key, values] : unlike.items()) {
        std::vector<std::string> row = {key};
        for (const auto& value : values)
            row.push_back(shown(value));
        table.add(std::move(row));
    }
    auto metrics = base::Json::object();
    for (const auto& tag : tags) {
        std::vector<std::string> row = {tag};
        auto values = base::Json::array();
        for (const auto& run : runs) {
            FAIRY2_ASSIGN(const auto last, registry.lastValue(run.uuid, tag));
            values.push_back(last && std::isfinite(*last) ? base::Json(*last) : base::Json());
            row.push_back(last ? fmt::format("{:.6g}", *last) : "–");
        }
        metrics[tag] = values;
        table.add(std::move(row));
    }
    return Outcome{{{"runs", ids}, {"differences", unlike}, {"metrics", metrics}}, table.text()};
}

} // namespace fairy2::cli
