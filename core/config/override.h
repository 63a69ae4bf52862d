// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/node.h"

#include <optional>
#include <set>
#include <variant>

namespace fairy2::config {

/// A value as written in an override. Quoted text is kept apart from bare words: only the latter are cast.
struct Element {
    enum class Kind { Scalar, Quoted, List, Map };
    Kind kind = Kind::Scalar;
    base::Json scalar; ///< of Scalar and Quoted
    char quote = 0;    ///< of Quoted
    std::vector<Element> items;
    std::vector<std::pair<Element, Element>> entries;

    [[nodiscard]] Node toNode() const;
    /// The text that parses back to this element, as a sweep writes one point of it.
    [[nodiscard]] std::string toText() const;
};

/// Several values for one key: a=1,2 · choice(…) · range(…) · interval(…) · glob(…).
struct Sweep {
    enum class Kind { Choice, Range, Interval, Glob };
    Kind kind = Kind::Choice;
    bool simple = false; ///< a=1,2 and not choice(1,2)
    bool shuffle = false;
    std::vector<Element> choices;
    base::Json start, stop, step; ///< numbers of Range and Interval
    std::vector<std::string> include, exclude;
    std::set<std::string> tags;
};

/// One command-line override in Hydra's grammar (hydra/grammar/OverrideParser.g4).
struct Override {
    enum class Type { Change, Add, ForceAdd, Delete };
    Type type = Type::Change;
    std::string key;                    ///< "training.max_steps" or the group "hydra/launcher"
    std::optional<std::string> package; ///< of group@package
    std::variant<std::monostate, Element, Sweep> value;
    std::string text; ///< as typed

    [[nodiscard]] const Element* element() const { return std::get_if<Element>(&value); }
    [[nodiscard]] const Sweep* sweep() const { return std::get_if<Sweep>(&value); }
    /// "key" or "key@package".
    [[nodiscard]] std::string keyWithPackage() const;
};

[[nodiscard]] base::Result<Override> parseOverride(const std::string& text);

} // namespace fairy2::config
