// SPDX-License-Identifier: Apache-2.0
#include "config/yamlreader.h"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace fairy2::config {
namespace {

// Ends parsing from inside an event; never leaves parseYaml.
struct Refusal {
    std::string message;
    int line;
};

// Builds the tree from yaml-cpp's events, so that nothing is expanded before it has been counted.
class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(std::string name, YamlLimits limits) : m_name(std::move(name)), m_limits(limits) {}

    [[nodiscard]] Node take() { return std::move(m_root); }

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(Node::of(nullptr, where(mark)), anchor, mark, 1, true);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        add(Node::of(scalarOf(tag, value, mark), where(mark)), anchor, mark, 1, tag == "?");
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = m_anchors.find(anchor);
        if (found == m_anchors.end()) refuse("the alias stands inside the value that it names", mark);
        add(found->second, 0, mark, found->second.size(), false);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(Node::Kind::List, mark, tag, "tag:yaml.org,2002:seq", anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(Node::Kind::Map, mark, tag, "tag:yaml.org,2002:map", anchor);
    }
    void OnMapEnd() override { close(); }

private:
    struct Frame {
        Node node;
        YAML::Mark mark;
        YAML::anchor_t anchor = 0;
        bool hasKey = false;
        bool mergeKey = false; // the key is a plain <<
        std::string key;
        std::unordered_set<std::string> keys;
        std::vector<Node> merged;
    };

    [[noreturn]] static void refuse(std::string message, const YAML::Mark& mark) {
        throw Refusal{std::move(message), mark.line + 1};
    }

    [[nodiscard]] std::string where(const YAML::Mark& mark) const {
        return fmt::format("{}:{}", m_name, mark.line + 1);
    }

    void count(std::size_t nodes, const YAML::Mark& mark) {
        m_nodes += nodes;
        if (m_nodes > m_limits.maxNodes)
            refuse(
                fmt::format("more than {} values (aliases count with all they stand for)", m_limits.maxNodes),
                mark);
    }

    static base::Json scalarOf(const std::string& tag, const std::string& value, const YAML::Mark& mark) {
        if (tag == "!" || tag == "tag:yaml.org,2002:str") return value;
        auto plain = plainScalar(value);
        if (!plain) refuse(plain.error().message, mark);
        const bool fits = tag.empty() || tag == "?" ||
                          (tag == "tag:yaml.org,2002:null" && plain->is_null()) ||
                          (tag == "tag:yaml.org,2002:bool" && plain->is_boolean()) ||
                          (tag == "tag:yaml.org,2002:int" && plain->is_number_integer());
        if (fits) return *plain;
        if (tag == "tag:yaml.org,2002:float" && plain->is_number()) return plain->get<double>();
        refuse(fmt::format("the tag '{}' is not allowed here", tag), mark);
    }

    void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, const char* ownTag,
              YAML::anchor_t anchor) {
        if (!(tag.empty() || tag == "?" || tag == "!" || tag == ownTag))
            refuse(fmt::format("the tag '{}' is not allowed here", tag), mark);
        if (m_frames.size() >= m_limits.maxDepth)
            refuse(fmt::format("nested deeper than {} levels", m_limits.maxDepth), mark);
        count(1, mark);
        Frame frame;
        frame.node.kind = kind;
        frame.node.source = where(mark);
        frame.mark = mark;
        frame.anchor = anchor;
        m_frames.push_back(std::move(frame));
    }

    void close() {
        Frame frame = std::move(m_frames.back());
        m_frames.pop_back();
        // The first map of a << list wins over later ones, and what the map says itself over all of them.
        for (auto& source : frame.merged)
            for (auto& entry : source.entries)
                if (frame.node.child(entry.key) == nullptr) frame.node.entries.push_back(std::move(entry));
        add(std::move(frame.node), frame.anchor, frame.mark, 0, false);
    }

    // `nodes` is what the value adds to the budget.
    void add(Node value, YAML::anchor_t anchor, const YAML::Mark& mark, std::size_t nodes, bool plain) {
        count(nodes, mark);
        if (anchor != 0) m_anchors.insert_or_assign(anchor, value);
        if (m_frames.empty()) {
            m_root = std::move(value);
            return;
        }
        Frame& frame = m_frames.back();
        if (frame.node.isList()) {
            frame.node.items.push_back(std::move(value));
        } else if (!frame.hasKey) {
            setKey(frame, value, mark, plain);
        } else {
            frame.hasKey = false;
            if (frame.mergeKey)
                addMerged(frame, std::move(value), mark);
            else
                frame.node.entries.push_back({frame.key, std::move(value)});
        }
    }

    static void setKey(Frame& frame, const Node& value, const YAML::Mark& mark, bool plain) {
        if (!value.isScalar()) refuse("a list or map cannot be a key", mark);
        frame.key = keyText(value.scalar);
        frame.mergeKey = plain && frame.key == "<<";
        frame.hasKey = true;
        if (!frame.mergeKey && !frame.keys.insert(frame.key).second)
            refuse(fmt::format("the key '{}' stands twice in one map", frame.key), mark);
    }

    static void addMerged(Frame& frame, Node value, const YAML::Mark& mark) {
        if (value.isMap()) {
            frame.merged.push_back(std::move(value));
            return;
        }
        const bool maps = value.isList() && std::all_of(value.items.begin(), value.items.end(),
                                                        [](const Node& item) { return item.isMap(); });
        if (!maps) refuse("<< needs a map or a list of maps", mark);
        for (auto& item : value.items)
            frame.merged.push_back(std::move(item));
    }

    std::string m_name;
    YamlLimits m_limits;
    std::size_t m_nodes = 0;
    std::vector<Frame> m_frames;
    std::unordered_map<YAML::anchor_t, Node> m_anchors;
    Node m_root;
};

// YAML allows no control characters; yaml-cpp would take one of them for the end of the file.
bool isText(std::string_view text) {
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return false;
    try {
        static_cast<void>(base::Json(std::string(text)).dump());
        return true;
    } catch (const base::Json::exception&) {
        return false;
    }
}

std::string_view trimmed(std::string_view line) {
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

} // namespace

base::Result<Node> parseYaml(std::string_view text, const std::string& name, YamlLimits limits) {
    if (text.size() > limits.maxBytes)
        return base::badInput(
            fmt::format("the YAML is larger than the {} bytes allowed here", limits.maxBytes), name);
    if (!isText(text)) return base::badInput("the file is not UTF-8 text", name);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        TreeBuilder builder(name, limits);
        if (!parser.HandleNextDocument(builder)) return Node::map(name + ":1");
        Node root = builder.take();
        TreeBuilder second(name, limits);
        if (parser.HandleNextDocument(second))
            return base::badInput("more than one document in the file; a configuration is one", name);
        if (root.isNull()) return Node::map(name + ":1");
        return root;
    } catch (const Refusal& refusal) {
        return base::badInput(refusal.message, fmt::format("{}:{}", name, refusal.line));
    } catch (const YAML::ParserException& error) {
        return base::badInput("not valid YAML: " + error.msg,
                              fmt::format("{}:{}", name, error.mark.line + 1));
    } catch (const std::exception& error) {
        return base::badInput(std::string("not valid YAML: ") + error.what(), name);
    }
}

base::Result<std::optional<std::string>> packageHeader(std::string_view text, const std::string& name) {
    std::istringstream lines{std::string(text.substr(0, 512))};
    std::optional<std::string> package;
    for (std::string raw; std::getline(lines, raw);) {
        const auto line = trimmed(raw);
        if (line.empty()) continue;
        const auto at = line.find_first_not_of(" \t", line.find_first_not_of('#'));
        if (line[0] != '#' || at == std::string_view::npos || line[at] != '@') break;
        std::istringstream words{std::string(line.substr(at))};
        std::string key;
        std::string value;
        std::string more;
        words >> key >> value;
        if (value.empty() || words >> more)
            return base::badInput(fmt::format("'{}' is not of the form '# @key value'", line), name);
        if (key == "@package") package = value;
    }
    return package;
}

} // namespace fairy2::config
