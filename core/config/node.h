// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairy2::config {

/// A configuration value before interpolation, with the place it came from. Maps keep the order of the file.
struct Node {
    enum class Kind { Scalar, List, Map };
    struct Entry;

    Kind kind = Kind::Scalar;
    base::Json scalar; ///< null, boolean, integer, float or string; strings may hold ${…}
    std::vector<Node> items;
    std::vector<Entry> entries;
    std::string source; ///< "configs/training/fairy2_w2.yaml:7", "override", "default"

    [[nodiscard]] static Node map(std::string source = {});
    [[nodiscard]] static Node of(base::Json scalar, std::string source);
    /// JSON as a tree whose every value has the one source.
    [[nodiscard]] static Node fromJson(const base::Json& json, const std::string& source);

    [[nodiscard]] bool isMap() const noexcept { return kind == Kind::Map; }
    [[nodiscard]] bool isList() const noexcept { return kind == Kind::List; }
    [[nodiscard]] bool isScalar() const noexcept { return kind == Kind::Scalar; }
    [[nodiscard]] bool isNull() const noexcept { return isScalar() && scalar.is_null(); }
    /// The mandatory value "???" that somebody still has to give.
    [[nodiscard]] bool isMissing() const;
    /// A string with ${ in it (also \${, which resolves to the text ${).
    [[nodiscard]] bool isInterpolation() const;

    /// The direct child of a map by key, or of a list by index; null when there is none.
    [[nodiscard]] const Node* child(std::string_view key) const;
    [[nodiscard]] Node* child(std::string_view key);
    /// A descendant by path ("training.layers[0].match").
    [[nodiscard]] const Node* select(std::string_view path) const;
    void set(const std::string& key, Node value);
    bool erase(std::string_view key);

    [[nodiscard]] std::size_t size() const noexcept; ///< nodes in this tree, itself included
    [[nodiscard]] base::Json toJson() const;
    /// Dotted key → source of every scalar and list below this map.
    [[nodiscard]] std::map<std::string, std::string> sources() const;
};

struct Node::Entry {
    std::string key;
    Node value;
};

/// Merges `from` over `into` as OmegaConf does: maps merge key by key, lists and scalars replace, "???"
/// leaves what is there.
void merge(Node& into, const Node& from);

/// "a.b[0].c" → {"a", "b", "0", "c"}.
[[nodiscard]] std::vector<std::string> splitPath(std::string_view path);

/// The value as Python's str() shows it, which is what OmegaConf puts into a text: True, None, 1e-05, [1,
/// 'a'].
[[nodiscard]] std::string pythonText(const base::Json& value);
/// The key of a map entry as text: true, null, 1e-05.
[[nodiscard]] std::string keyText(const base::Json& scalar);

} // namespace fairy2::config
