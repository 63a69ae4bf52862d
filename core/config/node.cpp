// SPDX-License-Identifier: Apache-2.0
#include "config/node.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace fairy2::config {
namespace {

std::string joined(const std::string& prefix, const std::string& key) {
    return prefix.empty() ? key : prefix + "." + key;
}

void collectSources(const Node& node, const std::string& prefix, std::map<std::string, std::string>& into) {
    if (!node.isMap() || (node.entries.empty() && !prefix.empty())) {
        into[prefix] = node.source;
        return;
    }
    for (const auto& entry : node.entries)
        collectSources(entry.value, joined(prefix, entry.key), into);
}

// Python's repr of a float: shortest digits that read back, exponent below 1e-4 and from 1e16 on.
std::string pythonFloat(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    const double size = std::abs(value);
    char buffer[512];
    const bool scientific = size != 0 && (size < 1e-4 || size >= 1e16);
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                                   scientific ? std::chars_format::scientific : std::chars_format::fixed)
                         .ptr;
    std::string text(buffer, end);
    if (!scientific && text.find('.') == std::string::npos) text += ".0";
    return text;
}

std::string pythonQuoted(const std::string& text) {
    const char quote =
        text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
    std::string result(1, quote);
    for (const char c : text) {
        if (c == quote || c == '\\') result += '\\';
        if (c == '\n')
            result += "\\n";
        else if (c == '\t')
            result += "\\t";
        else
            result += c;
    }
    return result + quote;
}

std::string pythonRepr(const base::Json& value) {
    return value.is_string() ? pythonQuoted(value.get<std::string>()) : pythonText(value);
}

} // namespace

Node Node::map(std::string source) {
    Node node;
    node.kind = Kind::Map;
    node.source = std::move(source);
    return node;
}

Node Node::of(base::Json scalar, std::string source) {
    Node node;
    node.scalar = std::move(scalar);
    node.source = std::move(source);
    return node;
}

Node Node::fromJson(const base::Json& json, const std::string& source) {
    Node node;
    node.source = source;
    if (json.is_object()) {
        node.kind = Kind::Map;
        for (const auto& [key, value] : json.items())
            node.entries.push_back({key, fromJson(value, source)});
    } else if (json.is_array()) {
        node.kind = Kind::List;
        for (const auto& value : json)
            node.items.push_back(fromJson(value, source));
    } else {
        node.scalar = json;
    }
    return node;
}

bool Node::isMissing() const {
    return isScalar() && scalar.is_string() && scalar.get_ref<const std::string&>() == "???";
}

bool Node::isInterpolation() const {
    return isScalar() && scalar.is_string() &&
           scalar.get_ref<const std::string&>().find("${") != std::string::npos;
}

const Node* Node::child(std::string_view key) const {
    if (isMap()) {
        for (const auto& entry : entries)
            if (entry.key == key) return &entry.value;
        return nullptr;
    }
    if (!isList()) return nullptr;
    std::int64_t index = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error != std::errc() || end != key.data() + key.size()) return nullptr;
    const auto count = static_cast<std::int64_t>(items.size());
    if (index < 0) index += count; // as Python counts from the end
    return index >= 0 && index < count ? &items[static_cast<std::size_t>(index)] : nullptr;
}

Node* Node::child(std::string_view key) {
    return const_cast<Node*>(std::as_const(*this).child(key));
}

const Node* Node::select(std::string_view path) const {
    const Node* node = this;
    for (const auto& key : splitPath(path)) {
        node = node->child(key);
        if (node == nullptr) return nullptr;
    }
    return node;
}

void Node::set(const std::string& key, Node value) {
    if (Node* there = child(key)) {
        *there = std::move(value);
        return;
    }
    entries.push_back({key, std::move(value)});
}

bool Node::erase(std::string_view key) {
    const Node* found = child(key);
    if (found == nullptr) return false;
    if (isList())
        items.erase(items.begin() + (found - items.data()));
    else
        std::erase_if(entries, [key](const Entry& entry) { return entry.key == key; });
    return true;
}

std::size_t Node::size() const noexcept {
    std::size_t count = 1;
    for (const auto& item : items)
        count += item.size();
    for (const auto& entry : entries)
        count += entry.value.size();
    return count;
}

base::Json Node::toJson() const {
    if (isScalar()) return scalar;
    if (isList()) {
        auto array = base::Json::array();
        for (const auto& item : items)
            array.push_back(item.toJson());
        return array;
    }
    auto object = base::Json::object();
    for (const auto& entry : entries)
        object[entry.key] = entry.value.toJson();
    return object;
}

std::map<std::string, std::string> Node::sources() const {
    std::map<std::string, std::string> all;
    collectSources(*this, {}, all);
    return all;
}

void merge(Node& into, const Node& from) {
    if (from.isMissing()) return;
    if (!into.isMap() || !from.isMap()) {
        into = from;
        return;
    }
    for (const auto& entry : from.entries) {
        if (Node* there = into.child(entry.key))
            merge(*there, entry.value);
        else
            into.entries.push_back(entry);
    }
}

std::vector<std::string> splitPath(std::string_view path) {
    std::vector<std::string> keys;
    std::string key;
    bool open = true; // a key is being read, so an empty one counts
    for (std::size_t i = 0; i < path.size(); ++i) {
        const char c = path[i];
        if (c == '.') {
            if (open) keys.push_back(key);
            key.clear();
            open = true;
        } else if (c == '[') {
            if (open && !(key.empty() && keys.empty())) keys.push_back(key);
            const auto close = path.find(']', i);
            keys.emplace_back(path.substr(i + 1, close == std::string_view::npos ? close : close - i - 1));
            key.clear();
            open = false;
            if (close == std::string_view::npos) return keys;
            i = close;
        } else {
            key += c;
            open = true;
        }
    }
    if (open) keys.push_back(key);
    return keys;
}

std::string pythonText(const base::Json& value) {
    if (value.is_null()) return "None";
    if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
    if (value.is_number_float()) return pythonFloat(value.get<double>());
    if (value.is_string()) return value.get<std::string>();
    if (value.is_array()) {
        std::string text;
        for (const auto& item : value)
            text += (text.empty() ? "" : ", ") + pythonRepr(item);
        return "[" + text + "]";
    }
    if (value.is_object()) {
        std::string text;
        for (const auto& [key, item] : value.items())
            text += (text.empty() ? "" : ", ") + pythonQuoted(key) + ": " + pythonRepr(item);
        return "{" + text + "}";
    }
    return value.dump();
}

std::string keyText(const base::Json& scalar) {
    if (scalar.is_null()) return "null";
    if (scalar.is_boolean()) return scalar.get<bool>() ? "true" : "false";
    return pythonText(scalar);
}

} // namespace fairy2::config
