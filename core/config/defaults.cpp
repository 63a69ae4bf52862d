// SPDX-License-Identifier: Apache-2.0
#include "config/defaults.h"

#include "config/interpolation.h"
#include "config/nearest.h"

#include <algorithm>
#include <fmt/format.h>

namespace fairy2::config {
namespace {

constexpr int kMaxDepth = 32;
constexpr int kMaxFiles = 1000;

std::string replaceAll(std::string text, const std::string& what, const std::string& with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
    return text;
}

std::string withDots(std::string path) {
    std::replace(path.begin(), path.end(), '/', '.');
    return path;
}

std::string joined(const std::string& first, const std::string& second, char separator) {
    if (first.empty()) return second;
    return second.empty() ? first : first + separator + second;
}

// One node of the tree of defaults: an item with its place below the file that names it.
struct Entry {
    DefaultItem item;
    std::string parentGroup;
    std::string parentPackage;
    std::optional<std::string> header;
    bool primary = false;
    bool external = false; // appended on the command line

    [[nodiscard]] bool isGroup() const { return !item.group.empty(); }
    [[nodiscard]] const std::string& target() const { return isGroup() ? item.group : item.path; }
    [[nodiscard]] std::string relativeTarget() const {
        return target().starts_with('/') ? target().substr(1) : target();
    }
    [[nodiscard]] std::string absolute(const std::string& relative) const {
        return target().starts_with('/') ? relative : joined(parentGroup, relative, '/');
    }
    [[nodiscard]] std::string relativeGroup() const {
        const auto path = relativeTarget();
        if (isGroup()) return path;
        const auto slash = path.rfind('/');
        return slash == std::string::npos ? "" : path.substr(0, slash);
    }
    [[nodiscard]] std::string group() const { return absolute(relativeGroup()); }
    [[nodiscard]] std::string name() const {
        if (!isGroup()) return relativeTarget().substr(relativeTarget().rfind('/') + 1);
        return item.names.empty() ? "" : item.names.front();
    }
    [[nodiscard]] bool isNone() const { return isGroup() && item.isNull; }
    [[nodiscard]] std::string path() const {
        return isGroup() ? group() + "/" + name() : absolute(relativeTarget());
    }
    [[nodiscard]] bool isMissing() const { return !item.isList && name() == "???"; }
    [[nodiscard]] bool isInterpolation() const {
        if (item.isList) return false;
        return Node::of(isGroup() ? name() : path(), {}).isInterpolation();
    }

    [[nodiscard]] std::string package(bool withHeader = true) const {
        const auto own = item.package ? item.package : (withHeader ? header : std::nullopt);
        const auto full = joined(parentPackage, own ? *own : withDots(relativeGroup()), '.');
        const auto global = full.rfind("_global_");
        if (global == std::string::npos) return full;
        const auto behind = global + std::string("_global_").size();
        return behind + 1 <= full.size() ? full.substr(behind + 1) : std::string();
    }
    // "db" or "db@pkg" when the package is not the group's own.
    [[nodiscard]] std::string key() const {
        const auto own = package(false);
        if (own == withDots(group())) return group();
        return group() + "@" + (own.empty() ? "_global_" : own);
    }

    void place(const std::string& group, const std::string& package) {
        parentGroup = group;
        parentPackage = package;
        if (item.package && item.package->find("_group_") != std::string::npos)
            item.package = "_global_." + replaceAll(*item.package, "_group_", withDots(this->group()));
    }
    // The header is always absolute.
    void setHeader(const std::optional<std::string>& package) {
        if (!package || *package == "_group_") return;
        const bool isGlobal = *package == "_global_" || package->starts_with("_global_.");
        header = isGlobal ? *package : "_global_." + *package;
    }
};

struct Tree {
    Entry entry;
    bool isSelf = false;
    bool isDropped = false; // deleted, optional and absent, or without an option
    std::vector<Tree> children;
};

struct Choice {
    std::vector<std::string> names;
    bool isList = false;
    bool isNull = false;
    bool external = false;
    bool used = false;
    std::string source; // of the file whose defaults list says "override"
};

class Expander {
public:
    explicit Expander(Repository& repository) : m_repository(repository) {}

    base::Result<DefaultsList> run(const std::string& primary, const std::vector<Override>& overrides) {
        for (const auto& override : overrides)
            FAIRY2_TRY(sortOut(override));
        Tree root;
        root.entry.item.path = primary;
        root.entry.primary = true;
        FAIRY2_TRY(expand(root, false, 0));
        FAIRY2_TRY(checkAllUsed());
        FAIRY2_TRY(flatten(root, nullptr));
        m_list.choices = m_known;
        return std::move(m_list);
    }

private:
    static tl::unexpected<base::Error> usage(const std::string& message, const std::string& hint = {}) {
        return base::fail(base::ErrorCode::Usage, message, {}, {}, hint);
    }

    // An override chooses an option of a group, or it sets a value.
    base::Result<void> sortOut(const Override& override) {
        if (override.sweep() != nullptr)
            return usage(fmt::format("'{}' asks for several values at once", override.text),
                         "several runs are started with -m, one with a single value");
        const Element* value = override.element();
        const bool isMap = value != nullptr && value->kind == Element::Kind::Map;
        if (isMap || !m_repository.isGroup(override.key)) {
            if (override.package)
                return usage(fmt::format("'{}' is no group of configurations", override.key),
                             "only group=option takes a package");
            m_list.valueOverrides.push_back(override);
            return {};
        }
        if (override.type == Override::Type::ForceAdd)
            return usage(fmt::format("'{}': ++ is for values, not for groups", override.text));
        Choice choice;
        choice.external = true;
        if (override.type != Override::Type::Delete || value != nullptr)
            FAIRY2_TRY(readNames(override, *value, choice));
        if (override.type == Override::Type::Delete) {
            m_deletions[override.keyWithPackage()] = choice;
        } else if (override.type == Override::Type::Add) {
            Entry entry;
            entry.item.group = override.key;
            entry.item.package =
                override.package == "_here_" ? std::optional<std::string>("") : override.package;
            entry.item.names = choice.names;
            entry.item.isList = choice.isList;
            entry.external = true;
            m_appended.push_back(std::move(entry));
        } else {
            m_choices[override.keyWithPackage()] = choice;
        }
        return {};
    }

    static base::Result<void> readNames(const Override& override, const Element& value, Choice& choice) {
        choice.isList = value.kind == Element::Kind::List;
        for (const auto& name : choice.isList ? value.items : std::vector<Element>{value}) {
            if (!name.scalar.is_string())
                return usage(fmt::format("'{}': an option of a group is a name", override.text));
            choice.names.push_back(name.scalar.get<std::string>());
        }
        if (choice.isList && override.type == Override::Type::Delete)
            return usage(fmt::format("'{}': one option can be deleted at a time", override.text));
        return {};
    }

    base::Result<void> expand(Tree& tree, bool interpolated, int depth) {
        Entry& entry = tree.entry;
        if (depth > kMaxDepth || ++m_files > kMaxFiles)
            return base::badInput("the defaults lists refer to each other without end", entry.item.source,
                                  "defaults");
        if (entry.primary && !m_repository.exists(entry.path()))
            return base::fail(base::ErrorCode::NotFound,
                              fmt::format("there is no configuration '{}'", entry.path()),
                              m_repository.root().string());
        std::shared_ptr<const ConfigFile> file;
        if (!entry.isMissing() && !entry.isNone()) {
            FAIRY2_ASSIGN(file, m_repository.load(entry.path()));
            if (file != nullptr) entry.setHeader(file->packageHeader);
        }
        if (isDeleted(entry)) {
            tree.isDropped = true;
            return {};
        }
        FAIRY2_TRY(remember(entry));
        if (entry.isNone()) {
            tree.isDropped = true;
            return {};
        }
        if (entry.isMissing())
            return usage(fmt::format("an option of '{}' must be chosen", entry.key()),
                         fmt::format("{}=… one of {}", entry.key(),
                                     fmt::join(m_repository.options(entry.group()), ", ")));
        if (file == nullptr) {
            if (!entry.item.optional) return notFound(entry);
            tree.isDropped = true;
            return {};
        }
        return expandChildren(tree, *file, interpolated, depth);
    }

    base::Result<void> expandChildren(Tree& tree, const ConfigFile& file, bool interpolated, int depth) {
        const Entry& parent = tree.entry;
        std::vector<Entry> list;
        for (const auto& item : file.defaults) {
            Entry entry;
            entry.item = item;
            list.push_back(std::move(entry));
        }
        if (!list.empty() || (parent.primary && !m_appended.empty())) FAIRY2_TRY(addSelf(list, parent));
        if (parent.primary) list.insert(list.end(), m_appended.begin(), m_appended.end());
        FAIRY2_TRY(takeOverrides(list, parent, interpolated));

        // From the last to the first: what stands later decides about the choices of what stands before.
        std::vector<Tree> children;
        for (auto entry = list.rbegin(); entry != list.rend(); ++entry) {
            if (entry->item.override) continue;
            FAIRY2_TRY(addChild(children, *entry, parent, interpolated, depth));
        }
        // Interpolated choices wait until all others are known.
        const Node known = knownChoices(list);
        for (auto& child : children) {
            if (child.isSelf || !child.entry.isInterpolation()) continue;
            FAIRY2_TRY(interpolate(child.entry, known));
            FAIRY2_TRY(expand(child, true, depth + 1));
        }
        std::reverse(children.begin(), children.end());
        tree.children = std::move(children);
        return {};
    }

    static base::Result<void> addSelf(std::vector<Entry>& list, const Entry& parent) {
        const auto selfs =
            std::count_if(list.begin(), list.end(), [](const Entry& e) { return e.item.isSelf(); });
        if (selfs > 1)
            return base::badInput("_self_ stands twice in the defaults list", parent.path(), "defaults");
        const bool hasOthers =
            std::any_of(list.begin(), list.end(), [](const Entry& e) { return !e.item.override; });
        if (selfs == 0 && (hasOthers || list.empty())) {
            Entry self;
            self.item.path = "_self_";
            list.push_back(std::move(self));
        }
        return {};
    }

    base::Result<void> takeOverrides(std::vector<Entry>& list, const Entry& parent, bool interpolated) {
        bool seen = false;
        for (auto& entry : list) {
            if (entry.item.isSelf()) continue;
            entry.place(parent.group(), parent.package());
            if (seen && !entry.item.override && !entry.external)
                return base::badInput("overrides must stand at the end of the defaults list",
                                      entry.item.source, "defaults");
            if (!entry.item.override) continue;
            if (interpolated)
                return base::badInput("overrides are not allowed below an interpolated choice",
                                      entry.item.source, "defaults");
            seen = true;
            m_choices.try_emplace(entry.key(), Choice{entry.item.names, entry.item.isList, entry.item.isNull,
                                                      false, false, entry.item.source});
        }
        return {};
    }

    base::Result<void> addChild(std::vector<Tree>& children, Entry entry, const Entry& parent,
                                bool interpolated, int depth) {
        if (entry.item.isSelf()) {
            Tree self;
            self.isSelf = true;
            children.push_back(std::move(self));
            return {};
        }
        const auto choice = entry.isGroup() ? m_choices.find(entry.key()) : m_choices.end();
        if (choice != m_choices.end()) {
            entry.item.names = choice->second.names;
            entry.item.isList = choice->second.isList;
            entry.item.isNull = choice->second.isNull;
            choice->second.used = true;
        }
        if (!entry.item.isList) {
            Tree child;
            child.entry = std::move(entry);
            const bool waits = child.entry.isInterpolation();
            children.push_back(std::move(child));
            return waits ? base::Result<void>() : expand(children.back(), interpolated, depth + 1);
        }
        for (auto name = entry.item.names.rbegin(); name != entry.item.names.rend(); ++name) {
            if (Node::of(*name, {}).isInterpolation())
                return base::badInput("a list of options takes no interpolation", entry.item.source,
                                      "defaults");
            Tree child;
            child.entry.item.path = entry.item.group + "/" + *name;
            child.entry.item.package = entry.item.package;
            child.entry.item.optional = entry.item.optional;
            child.entry.item.source = entry.item.source;
            child.entry.place(parent.group(), parent.package());
            children.push_back(std::move(child));
            FAIRY2_TRY(expand(children.back(), interpolated, depth + 1));
        }
        return {};
    }

    [[nodiscard]] Node knownChoices(const std::vector<Entry>& list) const {
        Node known = Node::map();
        for (const auto& [key, name] : m_known)
            known.set(key, Node::of(name.empty() ? base::Json() : base::Json(name), {}));
        for (const auto& entry : list)
            if (entry.isGroup() && !entry.item.isList && known.child(entry.key()) == nullptr &&
                !entry.isInterpolation())
                known.set(entry.key(),
                          Node::of(entry.isNone() ? base::Json() : base::Json(entry.name()), {}));
        return known;
    }

    static base::Result<void> interpolate(Entry& entry, const Node& known) {
        auto value = resolveText(entry.isGroup() ? entry.name() : entry.path(), known);
        if (value && value->is_string()) {
            if (entry.isGroup())
                entry.item.names = {value->get<std::string>()};
            else
                entry.item.path = value->get<std::string>();
            return {};
        }
        auto error = value ? base::Error{base::ErrorCode::BadInput, "the choice is not a text", {}, {}, {}}
                           : value.error();
        error.file = entry.item.source;
        error.field = "defaults";
        return tl::unexpected(std::move(error));
    }

    bool isDeleted(const Entry& entry) {
        if (!entry.isGroup()) return false;
        const auto found = m_deletions.find(entry.key());
        if (found == m_deletions.end()) return false;
        const bool matches = found->second.names.empty() || found->second.names.front() == entry.name();
        found->second.used = found->second.used || matches;
        return matches;
    }

    base::Result<void> remember(const Entry& entry) {
        if (!entry.isGroup()) return {};
        const auto [known, isNew] = m_known.try_emplace(entry.key(), entry.name());
        if (!isNew && known->second != entry.name())
            return base::badInput(fmt::format("two options of '{}' are chosen: {} and {}", entry.key(),
                                              known->second, entry.name()),
                                  entry.item.source, "defaults",
                                  "write 'override " + entry.key() + ": …' for the second");
        return {};
    }

    base::Result<void> checkAllUsed() const {
        std::vector<std::string> known;
        for (const auto& [key, name] : m_known)
            known.push_back(key);
        for (const auto& [key, choice] : m_choices) {
            if (choice.used) continue;
            const auto message =
                fmt::format("'{}' is in no defaults list, so its option cannot be chosen", key);
            const auto hint = choice.external
                                  ? fmt::format("+{}={} appends it{}", key, fmt::join(choice.names, ","),
                                                orNearest(key, known))
                                  : std::string();
            if (choice.external) return usage(message, hint);
            return base::badInput(message, choice.source, "defaults");
        }
        for (const auto& [key, choice] : m_deletions)
            if (!choice.used)
                return usage(fmt::format("'{}' cannot be deleted: no defaults list has it", key),
                             orNearest(key, known));
        return {};
    }

    [[nodiscard]] tl::unexpected<base::Error> notFound(const Entry& entry) const {
        const auto options = m_repository.options(entry.group());
        if (!entry.isGroup() || options.empty())
            return base::fail(base::ErrorCode::BadInput,
                              fmt::format("there is no configuration '{}'", entry.path()), entry.item.source,
                              "defaults");
        return base::fail(
            entry.item.source.empty() ? base::ErrorCode::Usage : base::ErrorCode::BadInput,
            fmt::format("there is no option '{}' in the group '{}'", entry.name(), entry.group()), {},
            entry.key(),
            fmt::format("one of {}{}", fmt::join(options, ", "), orNearest(entry.name(), options)));
    }

    // Depth first, in the order of merging.
    base::Result<void> flatten(const Tree& tree, const Tree* parent) {
        if (tree.isDropped) return {};
        if (tree.isSelf) {
            m_list.files.push_back({parent->entry.path(), parent->entry.package()});
            return {};
        }
        if (tree.children.empty()) return emit(tree.entry);
        for (const auto& child : tree.children)
            FAIRY2_TRY(flatten(child, &tree));
        return {};
    }

    base::Result<void> emit(const Entry& entry) {
        m_list.files.push_back({entry.path(), entry.package()});
        if (entry.isGroup() && !m_emitted.insert(entry.key()).second)
            return base::badInput(fmt::format("'{}' appears twice in the final defaults list", entry.key()),
                                  entry.item.source, "defaults");
        return {};
    }

    Repository& m_repository;
    std::map<std::string, Choice> m_choices;
    std::map<std::string, Choice> m_deletions;
    std::vector<Entry> m_appended;
    std::map<std::string, std::string> m_known;
    std::set<std::string> m_emitted;
    DefaultsList m_list;
    int m_files = 0;
};

} // namespace

base::Result<DefaultsList> expandDefaults(Repository& repository, const std::string& primary,
                                          const std::vector<Override>& overrides) {
    return Expander(repository).run(primary, overrides);
}

} // namespace fairy2::config
