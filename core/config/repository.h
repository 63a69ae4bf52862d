// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/node.h"

#include <memory>
#include <optional>

namespace fairy2::config {

/// One item of a `defaults:` list as written.
struct DefaultItem {
    std::string group;              ///< of "group: option"; empty for a bare path
    std::string path;               ///< of a bare path ("_self_", "db/mysql")
    std::vector<std::string> names; ///< the option, or several of them
    bool isList = false;            ///< the options stand in a list
    bool isNull = false;            ///< "group: null"
    std::optional<std::string> package;
    bool optional = false;
    bool override = false;
    std::string source;

    [[nodiscard]] bool isSelf() const { return group.empty() && path == "_self_"; }
};

/// One configuration file, its defaults list apart.
struct ConfigFile {
    Node content;
    std::vector<DefaultItem> defaults;
    std::optional<std::string> packageHeader;
};

/// The configuration files below one folder; each is read once.
class Repository {
public:
    explicit Repository(base::Path root) : m_root(std::move(root)) {}

    [[nodiscard]] const base::Path& root() const noexcept { return m_root; }
    [[nodiscard]] bool isGroup(const std::string& path) const;
    [[nodiscard]] bool exists(const std::string& path) const;
    /// The file "training/fairy2_w2" (".yaml" is added); null when there is none.
    [[nodiscard]] base::Result<std::shared_ptr<const ConfigFile>> load(const std::string& path);
    /// Names of the options of a group, sorted.
    [[nodiscard]] std::vector<std::string> options(const std::string& group) const;

private:
    base::Path m_root;
    std::map<std::string, std::shared_ptr<const ConfigFile>> m_loaded;
};

} // namespace fairy2::config
