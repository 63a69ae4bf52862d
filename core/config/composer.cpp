// SPDX-License-Identifier: Apache-2.0
#include "config/composer.h"

#include "config/defaults.h"
#include "config/interpolation.h"
#include "config/nearest.h"

#include <fmt/format.h>

namespace fairy2::config {
namespace {

tl::unexpected<base::Error> usage(const std::string& message, const std::string& key,
                                  const std::string& hint = {}) {
    return base::fail(base::ErrorCode::Usage, message, {}, key, hint);
}

void collectKeys(const Node& node, const std::string& prefix, std::vector<std::string>& into) {
    for (const auto& entry : node.entries) {
        into.push_back(prefix + entry.key);
        collectKeys(entry.value, prefix + entry.key + ".", into);
    }
}

// The tree is closed: only + opens new keys, so that a mistyped one is not taken for a new one.
tl::unexpected<base::Error> unknownKey(const Node& tree, const Override& override) {
    std::vector<std::string> keys;
    collectKeys(tree, {}, keys);
    return usage(fmt::format("'{}': there is no such key", override.text), override.key,
                 fmt::format("+{} adds it{}", override.text, orNearest(override.key, keys)));
}

// Whether every key of `value` is already in `into`, at any depth.
bool isKnown(const Node& into, const Node& value) {
    if (!into.isMap() || !value.isMap()) return true;
    for (const auto& entry : value.entries) {
        const Node* there = into.child(entry.key);
        if (there == nullptr || !isKnown(*there, entry.value)) return false;
    }
    return true;
}

base::Result<void> setValue(Node& tree, const Override& override, const Node& value, bool mayAdd) {
    const auto keys = splitPath(override.key);
    Node* node = &tree;
    for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
        Node* next = node->child(keys[i]);
        if (next == nullptr) {
            if (!mayAdd || !node->isMap()) return unknownKey(tree, override);
            node->set(keys[i], Node::map("override"));
            next = node->child(keys[i]);
        } else if (next->isScalar()) {
            *next = Node::map("override"); // a primitive on the way gives place, as in OmegaConf
            if (!mayAdd) return unknownKey(tree, override);
        }
        node = next;
    }
    const auto& last = keys.back();
    Node* target = node->child(last);
    if (target == nullptr) {
        if (!mayAdd || !node->isMap()) return unknownKey(tree, override);
        node->set(last, value);
        return {};
    }
    if (!value.isScalar() && !target->isScalar()) {
        if (value.kind != target->kind)
            return usage(fmt::format("'{}': a list and a map cannot be merged", override.text), override.key);
        if (!mayAdd && !isKnown(*target, value)) return unknownKey(tree, override);
        merge(*target, value);
        return {};
    }
    *target = value;
    return {};
}

base::Result<void> deleteValue(Node& tree, const Override& override) {
    const auto keys = splitPath(override.key);
    Node* parent = &tree;
    for (std::size_t i = 0; i + 1 < keys.size() && parent != nullptr; ++i)
        parent = parent->child(keys[i]);
    const Node* target = parent == nullptr || !parent->isMap() ? nullptr : parent->child(keys.back());
    if (target == nullptr || target->isNull() || target->isMissing()) {
        std::vector<std::string> known;
        collectKeys(tree, {}, known);
        return usage(fmt::format("'{}': there is no such key to delete", override.text), override.key,
                     orNearest(override.key, known));
    }
    if (const Element* wanted = override.element())
        if (!wanted->toNode().isNull() && wanted->toNode().toJson() != target->toJson())
            return usage(fmt::format("'{}': the value is {}, so it is not deleted", override.text,
                                     target->toJson().dump()),
                         override.key);
    parent->erase(keys.back());
    return {};
}

base::Result<void> apply(Node& tree, const Override& override) {
    if (override.type == Override::Type::Delete) return deleteValue(tree, override);
    const Node value = override.element()->toNode();
    const bool adds = override.type != Override::Type::Change;
    if (override.type == Override::Type::Add && value.isScalar()) {
        const Node* there = tree.select(override.key);
        if (there != nullptr && !there->isNull() && !there->isMissing() && there->source != "default")
            return usage(fmt::format("'{}': the key has a value already", override.text), override.key,
                         fmt::format("write {} to change it", override.text.substr(1)));
    }
    return setValue(tree, override, value, adds);
}

Node belowPackage(const Node& content, const std::string& package) {
    if (package.empty()) return content;
    Node result = content;
    auto keys = splitPath(package);
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
        Node outer = Node::map(content.source);
        outer.set(*key, std::move(result));
        result = std::move(outer);
    }
    return result;
}

} // namespace

base::Result<Node> composeTree(Repository& repository, const std::string& primary,
                               const std::vector<Override>& overrides, Node base) {
    FAIRY2_ASSIGN(const auto list, expandDefaults(repository, primary, overrides));
    Node tree = std::move(base);
    for (const auto& file : list.files) {
        FAIRY2_ASSIGN(const auto config, repository.load(file.path));
        const Node content = belowPackage(config->content, file.package);
        if (!content.isMap()) return base::badInput("a configuration is a map", config->content.source);
        merge(tree, content);
    }
    for (const auto& override : list.valueOverrides)
        FAIRY2_TRY(apply(tree, override));
    return tree;
}

} // namespace fairy2::config
