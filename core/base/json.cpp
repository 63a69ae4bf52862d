// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <cmath>
#include <fmt/format.h>
#include <unordered_set>
#include <vector>

namespace fairy2::base {
namespace {

// Watches the parser's events for what nlohmann itself accepts: endless nesting and duplicate keys.
struct Guard {
    int maxDepth;
    std::vector<std::unordered_set<std::string>> keys;

    bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
        switch (event) {
        case Json::parse_event_t::object_start:
            keys.emplace_back();
            [[fallthrough]];
        case Json::parse_event_t::array_start:
            // The document is thrown away by the caller; the exception ends parsing at once.
            if (depth >= maxDepth)
                throw std::length_error(fmt::format("nested deeper than {} levels", maxDepth));
            break;
        case Json::parse_event_t::object_end:
            keys.pop_back();
            break;
        case Json::parse_event_t::key:
            if (!keys.back().insert(parsed.get<std::string>()).second)
                throw std::length_error(
                    fmt::format("the key '{}' stands twice in one object", parsed.get<std::string>()));
            break;
        case Json::parse_event_t::array_end:
        case Json::parse_event_t::value:
            break;
        }
        return true;
    }
};

Result<const Json*> member(const Json& object, const std::string& key, const std::string& file) {
    if (!object.is_object()) return badInput("a JSON object was expected", file, key);
    const auto found = object.find(key);
    if (found == object.end()) return badInput("the key is missing", file, key);
    return &*found;
}

} // namespace

Result<Json> parseJson(std::string_view text, const std::string& file, JsonLimits limits) {
    if (text.size() > limits.maxBytes)
        return badInput(fmt::format("the JSON is larger than the {} bytes allowed here", limits.maxBytes),
                        file);
    // To the parser a zero byte is the end of its input, so whatever follows one would go unseen.
    if (text.find('\0') != std::string_view::npos)
        return badInput("not valid JSON: it holds a zero byte", file);
    try {
        Guard guard{limits.maxDepth, {}};
        return Json::parse(text, [&guard](int depth, Json::parse_event_t event, Json& parsed) {
            return guard(depth, event, parsed);
        });
    } catch (const std::length_error& error) {
        return badInput(error.what(), file);
    } catch (const Json::exception& error) {
        std::string reason = error.what();
        // "[json.exception.parse_error.101] parse error at line 1, …": the tag tells a user nothing.
        if (const auto end = reason.find("] "); end != std::string::npos) reason.erase(0, end + 2);
        return badInput("not valid JSON: " + reason, file);
    }
}

Result<Json> readJson(const Path& path, JsonLimits limits) {
    FAIRY2_ASSIGN(const auto text, readFile(path, limits.maxBytes));
    return parseJson(text, path.string(), limits);
}

Result<std::int64_t> jsonInteger(const Json& object, const std::string& key, std::int64_t low,
                                 std::int64_t high, const std::string& file) {
    FAIRY2_ASSIGN(const auto* value, member(object, key, file));
    const auto wrong = [&](const std::string& what) {
        return badInput(fmt::format("{}; an integer from {} to {} was expected", what, low, high), file, key);
    };
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
        return wrong("the value is too large");
    if (!value->is_number_integer()) return wrong(fmt::format("the value is a {}", value->type_name()));
    const auto number = value->get<std::int64_t>();
    if (number < low || number > high) return wrong(fmt::format("the value is {}", number));
    return number;
}

Result<double> jsonNumber(const Json& object, const std::string& key, const std::string& file) {
    FAIRY2_ASSIGN(const auto* value, member(object, key, file));
    if (!value->is_number() || !std::isfinite(value->get<double>()))
        return badInput(fmt::format("the value is a {}; a finite number was expected", value->type_name()),
                        file, key);
    return value->get<double>();
}

Result<std::string> jsonString(const Json& object, const std::string& key, const std::string& file) {
    FAIRY2_ASSIGN(const auto* value, member(object, key, file));
    if (!value->is_string())
        return badInput(fmt::format("the value is a {}; a string was expected", value->type_name()), file,
                        key);
    return value->get<std::string>();
}

} // namespace fairy2::base
