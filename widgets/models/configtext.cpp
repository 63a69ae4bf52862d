// SPDX-License-Identifier: Apache-2.0
#include "models/configtext.h"

#include <cmath>

namespace fairy2::itemmodels {
namespace {

void flatten(const base::Json& tree, const std::string& path, std::map<std::string, base::Json>& leaves) {
    for (const auto& [name, value] : tree.items()) {
        const std::string here = path.empty() ? name : path + '.' + name;
        if (value.is_object() && !value.empty())
            flatten(value, here, leaves);
        else
            leaves.emplace(here, value);
    }
}

} // namespace

std::map<std::string, base::Json> flattenConfig(const base::Json& tree) {
    std::map<std::string, base::Json> leaves;
    if (tree.is_object()) flatten(tree, {}, leaves);
    return leaves;
}

QString configText(const base::Json& value) {
    if (value.is_string()) return QString::fromStdString(value.get<std::string>());
    if (value.is_number_float()) return QString::number(value.get<double>(), 'g', 12);
    return QString::fromStdString(value.dump());
}

} // namespace fairy2::itemmodels
