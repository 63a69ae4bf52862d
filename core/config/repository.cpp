// SPDX-License-Identifier: Apache-2.0
#include "config/repository.h"

#include "config/yamlreader.h"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>

namespace fairy2::config {
namespace {

// A path from a defaults list or an override must stay below the configuration folder.
bool staysInside(const std::string& path) {
    const base::Path relative(path);
    return relative.is_relative() && std::none_of(relative.begin(), relative.end(),
                                                  [](const base::Path& part) { return part == ".."; });
}

std::string fileName(const std::string& path) {
    return path.ends_with(".yaml") ? path : path + ".yaml";
}

void splitPackage(const std::string& text, std::string& name, std::optional<std::string>& package) {
    const auto at = text.find('@');
    name = text.substr(0, at);
    if (at == std::string::npos) return;
    package = text.substr(at + 1, text.find(':', at) == std::string::npos ? std::string::npos
                                                                          : text.find(':', at) - at - 1);
    if (*package == "_here_") package = "";
}

// "optional override /db@pkg" → flags, group, package.
base::Result<DefaultItem> groupItem(const Node& item) {
    const auto refuse = [&](const std::string& what) {
        return base::badInput(what, item.source, "defaults");
    };
    if (item.entries.size() != 1) return refuse("an item of a defaults list has exactly one key");
    DefaultItem result;
    result.source = item.source;
    std::string group;
    splitPackage(item.entries[0].key, group, result.package);
    std::istringstream words(group);
    std::vector<std::string> parts;
    for (std::string word; std::getline(words, word, ' ');)
        parts.push_back(word);
    if (parts.empty() || parts.back().empty())
        return refuse("an item of a defaults list needs the name of a group");
    result.group = parts.back();
    parts.pop_back();
    for (const auto& word : parts) {
        if (word != "optional" && word != "override") break;
        (word == "optional" ? result.optional : result.override) = true;
    }
    const Node& value = item.entries[0].value;
    if (value.isMap()) return refuse("the option of a group is a name or a list of names");
    result.isNull = value.isNull();
    result.isList = value.isList();
    for (const auto& name : value.isList() ? value.items : std::vector<Node>{value}) {
        if (name.isNull() && !value.isList()) continue;
        if (!name.isScalar() || !name.scalar.is_string())
            return refuse("the name of an option must be a text");
        result.names.push_back(name.scalar.get<std::string>());
    }
    return result;
}

base::Result<std::vector<DefaultItem>> defaultItems(const Node& list) {
    if (!list.isList()) return base::badInput("the defaults must be a list", list.source, "defaults");
    std::vector<DefaultItem> items;
    for (const auto& item : list.items) {
        if (item.isMap()) {
            FAIRY2_ASSIGN(auto group, groupItem(item));
            items.push_back(std::move(group));
            continue;
        }
        if (!item.isScalar() || !item.scalar.is_string())
            return base::badInput("an item of a defaults list is 'group: option' or the path of a file",
                                  item.source, "defaults");
        DefaultItem file;
        file.source = item.source;
        splitPackage(item.scalar.get<std::string>(), file.path, file.package);
        if (file.isSelf() && file.package)
            return base::badInput("_self_ takes no package", item.source, "defaults");
        items.push_back(std::move(file));
    }
    return items;
}

} // namespace

bool Repository::isGroup(const std::string& path) const {
    return staysInside(path) && std::filesystem::is_directory(m_root / path);
}

bool Repository::exists(const std::string& path) const {
    return staysInside(path) && std::filesystem::is_regular_file(m_root / fileName(path));
}

base::Result<std::shared_ptr<const ConfigFile>> Repository::load(const std::string& path) {
    if (const auto found = m_loaded.find(path); found != m_loaded.end()) return found->second;
    const auto file = m_root / fileName(path);
    if (!exists(path)) {
        m_loaded[path] = nullptr;
        return std::shared_ptr<const ConfigFile>();
    }
    FAIRY2_ASSIGN(const auto text, base::readFile(file, YamlLimits().maxBytes));
    const auto name = (m_root.filename() / fileName(path)).string();
    auto config = std::make_shared<ConfigFile>();
    FAIRY2_ASSIGN(config->content, parseYaml(text, name));
    FAIRY2_ASSIGN(config->packageHeader, packageHeader(text, name));
    if (config->content.isScalar()) return base::badInput("a configuration is a map", name);
    if (const Node* defaults = config->content.isMap() ? config->content.child("defaults") : nullptr) {
        FAIRY2_ASSIGN(config->defaults, defaultItems(*defaults));
        config->content.erase("defaults");
    }
    m_loaded[path] = config;
    return std::shared_ptr<const ConfigFile>(config);
}

std::vector<std::string> Repository::options(const std::string& group) const {
    std::vector<std::string> names;
    std::error_code error;
    if (!staysInside(group)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(m_root / group, error))
        if (entry.is_regular_file() && entry.path().extension() == ".yaml")
            names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace fairy2::config
