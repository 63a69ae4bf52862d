// SPDX-License-Identifier: Apache-2.0
#include "config/overridefunctions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <random>

namespace fairy2::config {
namespace {

using Cast = std::function<base::Result<base::Json>(const base::Json&)>;

tl::unexpected<base::Error> wrong(const std::string& message) {
    return base::fail(base::ErrorCode::Usage, message);
}

Element scalarElement(base::Json value) {
    return Element{Element::Kind::Scalar, std::move(value), 0, {}, {}};
}

// Arguments of functions lose their quotes, as in Hydra.
Argument plain(const Argument& argument) {
    const auto* element = std::get_if<Element>(&argument);
    if (element != nullptr && element->kind == Element::Kind::Quoted) return scalarElement(element->scalar);
    return argument;
}

const base::Json* scalarOf(const Argument& argument) {
    const auto* element = std::get_if<Element>(&argument);
    return element != nullptr && element->kind == Element::Kind::Scalar ? &element->scalar : nullptr;
}

// What Python's int() and float() accept as text.
base::Result<base::Json> numberFromText(std::string text, bool isFloat) {
    const auto first = text.find_first_not_of(" \t");
    text = first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
    return pythonNumber(text, isFloat);
}

base::Result<base::Json> toInt(const base::Json& value) {
    if (value.is_boolean()) return base::Json(value.get<bool>() ? 1 : 0);
    if (value.is_number_integer()) return value;
    if (value.is_string()) return numberFromText(value.get<std::string>(), false);
    if (!value.is_number_float()) return wrong("null cannot be made an integer");
    const double number = value.get<double>();
    if (!(std::abs(number) < 9.2e18)) return wrong(fmt::format("{} cannot be made an integer", number));
    return base::Json(static_cast<std::int64_t>(number));
}

base::Result<base::Json> toFloat(const base::Json& value) {
    if (value.is_boolean()) return base::Json(value.get<bool>() ? 1.0 : 0.0);
    if (value.is_number()) return base::Json(value.get<double>());
    if (value.is_string()) return numberFromText(value.get<std::string>(), true);
    return wrong("null cannot be made a number");
}

base::Result<base::Json> toText(const base::Json& value) {
    if (value.is_null()) return wrong("null cannot be made a text");
    if (value.is_boolean()) return base::Json(value.get<bool>() ? "true" : "false");
    return base::Json(pythonText(value));
}

base::Result<base::Json> toBool(const base::Json& value) {
    if (value.is_boolean()) return value;
    if (value.is_number()) return base::Json(value.get<double>() != 0);
    if (!value.is_string()) return base::Json(false);
    auto text = value.get<std::string>();
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    if (text == "true") return base::Json(true);
    if (text == "false") return base::Json(false);
    return wrong(fmt::format("'{}' is neither true nor false", value.get<std::string>()));
}

base::Result<Element> castElement(const Element& element, const Cast& cast) {
    Element result = element;
    switch (element.kind) {
    case Element::Kind::Scalar:
    case Element::Kind::Quoted: {
        FAIRY2_ASSIGN(auto value, cast(element.scalar));
        return scalarElement(std::move(value));
    }
    case Element::Kind::List:
        for (auto& item : result.items) {
            FAIRY2_ASSIGN(item, castElement(item, cast));
        }
        break;
    case Element::Kind::Map:
        for (auto& entry : result.entries) {
            FAIRY2_ASSIGN(entry.second, castElement(entry.second, cast));
        }
        break;
    }
    return result;
}

base::Result<Sweep> castSweep(Sweep sweep, const std::string& name, const Cast& cast) {
    const bool isNumber = name == "int" || name == "float";
    switch (sweep.kind) {
    case Sweep::Kind::Choice:
        for (auto& choice : sweep.choices) {
            FAIRY2_ASSIGN(choice, castElement(choice, cast));
        }
        sweep.shuffle = false;
        sweep.tags.clear();
        return sweep;
    case Sweep::Kind::Range:
        if (!isNumber) return wrong("a range can only be cast to int or float");
        for (auto* bound : {&sweep.start, &sweep.stop, &sweep.step}) {
            FAIRY2_ASSIGN(*bound, cast(*bound));
        }
        sweep.shuffle = false;
        sweep.tags.clear();
        return sweep;
    case Sweep::Kind::Interval:
        if (!isNumber) return wrong(fmt::format("an interval cannot be cast to {}", name));
        for (auto* bound : {&sweep.start, &sweep.stop}) {
            FAIRY2_ASSIGN(*bound, cast(*bound));
        }
        return sweep;
    case Sweep::Kind::Glob:
        break;
    }
    return wrong(fmt::format("a glob cannot be cast to {}", name));
}

// All arguments as one simple choice: sort(3,1,2).
base::Result<Sweep> asChoice(const std::vector<Argument>& arguments) {
    Sweep sweep;
    sweep.simple = true;
    for (const auto& argument : arguments) {
        const auto* element = std::get_if<Element>(&argument);
        if (element == nullptr) return wrong("sweeps cannot be nested");
        sweep.choices.push_back(*element);
    }
    return sweep;
}

base::Result<Argument> callCast(const std::string& name, const std::vector<Argument>& arguments) {
    const Cast cast = name == "int" ? toInt : name == "float" ? toFloat : name == "str" ? toText : toBool;
    if (arguments.empty()) return wrong("no value is given");
    Argument subject = arguments.front();
    if (arguments.size() > 1) {
        FAIRY2_ASSIGN(subject, asChoice(arguments));
    }
    if (const auto* sweep = std::get_if<Sweep>(&subject)) {
        FAIRY2_ASSIGN(auto result, castSweep(*sweep, name, cast));
        return Argument(std::move(result));
    }
    FAIRY2_ASSIGN(auto result, castElement(std::get<Element>(subject), cast));
    return Argument(std::move(result));
}

base::Result<Argument> callChoice(const std::vector<Argument>& arguments) {
    if (arguments.empty()) return wrong("a choice needs at least one value");
    if (arguments.size() == 1) {
        if (const auto* sweep = std::get_if<Sweep>(&arguments.front())) {
            if (sweep->kind != Sweep::Kind::Choice || !sweep->simple)
                return wrong("choices cannot be nested");
            Sweep result = *sweep;
            result.simple = false;
            return Argument(std::move(result));
        }
    }
    FAIRY2_ASSIGN(auto sweep, asChoice(arguments));
    sweep.simple = false;
    return Argument(std::move(sweep));
}

base::Result<Argument> callRange(const std::vector<Argument>& arguments, Sweep::Kind kind) {
    Sweep sweep;
    sweep.kind = kind;
    std::vector<base::Json> bounds;
    for (const auto& argument : arguments) {
        const auto* bound = scalarOf(argument);
        const bool isMissingStop =
            bound != nullptr && bound->is_null() && bounds.size() == 1 && kind == Sweep::Kind::Range;
        if (bound == nullptr || (!bound->is_number() && !bound->is_boolean() && !isMissingStop))
            return wrong("the bounds must be numbers");
        bounds.push_back(*bound);
    }
    if (kind == Sweep::Kind::Interval) {
        FAIRY2_ASSIGN(sweep.start, toFloat(bounds[0]));
        FAIRY2_ASSIGN(sweep.stop, toFloat(bounds[1]));
        return Argument(std::move(sweep));
    }
    const bool onlyStop = bounds.size() == 1 || bounds[1].is_null();
    sweep.start = onlyStop ? base::Json(0) : bounds[0];
    sweep.stop = onlyStop ? bounds[0] : bounds[1];
    sweep.step = bounds.size() > 2 ? bounds[2] : base::Json(1);
    if (sweep.step.is_number() && sweep.step.get<double>() == 0)
        return wrong("the step of a range cannot be 0");
    return Argument(std::move(sweep));
}

base::Result<std::vector<std::string>> patterns(const Argument& argument) {
    std::vector<std::string> result;
    const auto* element = std::get_if<Element>(&argument);
    if (element == nullptr) return wrong("a pattern is a text");
    const std::vector<Element> all =
        element->kind == Element::Kind::List ? element->items : std::vector{*element};
    for (const auto& item : all) {
        if (!item.scalar.is_string()) return wrong("a pattern is a text");
        result.push_back(item.scalar.get<std::string>());
    }
    return result;
}

base::Result<Argument> callGlob(const std::vector<Argument>& arguments) {
    Sweep sweep;
    sweep.kind = Sweep::Kind::Glob;
    FAIRY2_ASSIGN(sweep.include, patterns(arguments[0]));
    if (arguments.size() > 1)
        if (const auto* none = scalarOf(arguments[1]); none == nullptr || !none->is_null()) {
            FAIRY2_ASSIGN(sweep.exclude, patterns(arguments[1]));
        }
    return Argument(std::move(sweep));
}

base::Result<Argument> callTag(const std::vector<Argument>& arguments) {
    if (arguments.empty()) return wrong("tag needs a sweep");
    const auto* last = std::get_if<Sweep>(&arguments.back());
    if (last == nullptr || last->kind == Sweep::Kind::Glob)
        return wrong("the last argument of tag must be a sweep");
    Sweep sweep = *last;
    sweep.tags.clear();
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
        const auto* text = scalarOf(arguments[i]);
        if (text == nullptr || !text->is_string()) return wrong("tags are texts");
        sweep.tags.insert(text->get<std::string>());
    }
    return Argument(std::move(sweep));
}

bool isNumeric(const base::Json& value) {
    return value.is_number() || value.is_boolean();
}

base::Result<void> sortElements(std::vector<Element>& elements, bool reverse) {
    const auto isAll = [&](const auto& test) {
        return std::all_of(elements.begin(), elements.end(), [&](const Element& element) {
            return element.kind == Element::Kind::Scalar && test(element.scalar);
        });
    };
    const bool numbers = isAll(isNumeric);
    if (elements.size() > 1 && !numbers && !isAll([](const base::Json& value) { return value.is_string(); }))
        return wrong("only numbers or only texts can be sorted");
    const auto number = [](const Element& element) {
        return element.scalar.is_boolean() ? (element.scalar.get<bool>() ? 1.0 : 0.0)
                                           : element.scalar.get<double>();
    };
    const auto less = [&](const Element& a, const Element& b) {
        return numbers ? number(a) < number(b) : a.scalar.get<std::string>() < b.scalar.get<std::string>();
    };
    std::stable_sort(elements.begin(), elements.end(),
                     [&](const Element& a, const Element& b) { return reverse ? less(b, a) : less(a, b); });
    return {};
}

base::Json sum(const base::Json& a, const base::Json& b, int sign) {
    if (a.is_number_integer() && b.is_number_integer())
        return a.get<std::int64_t>() + sign * b.get<std::int64_t>();
    return a.get<double>() + sign * b.get<double>();
}

base::Result<Sweep> sortSweep(Sweep sweep, bool reverse) {
    if (sweep.kind == Sweep::Kind::Choice) {
        FAIRY2_TRY(sortElements(sweep.choices, reverse));
        return sweep;
    }
    if (sweep.kind != Sweep::Kind::Range) return wrong("only choices and ranges can be sorted");
    const double start = sweep.start.get<double>();
    const double stop = sweep.stop.get<double>();
    const base::Json zero = 0;
    const base::Json size = sweep.step.get<double>() < 0 ? sum(zero, sweep.step, -1) : sweep.step;
    if (reverse ? start < stop : start > stop) {
        const int sign = reverse ? -1 : 1;
        const base::Json newStart = sum(sweep.stop, size, sign);
        sweep.stop = sum(sweep.start, size, sign);
        sweep.start = newStart;
        sweep.step = sum(zero, sweep.step, -1);
    }
    return sweep;
}

base::Result<Argument> callSort(const std::vector<Argument>& arguments, bool reverse) {
    if (arguments.empty()) return wrong("there is nothing to sort");
    if (arguments.size() == 1) {
        if (const auto* sweep = std::get_if<Sweep>(&arguments.front())) {
            FAIRY2_ASSIGN(auto sorted, sortSweep(*sweep, reverse));
            return Argument(std::move(sorted));
        }
        Element element = std::get<Element>(arguments.front());
        if (element.kind == Element::Kind::List) FAIRY2_TRY(sortElements(element.items, reverse));
        return Argument(std::move(element));
    }
    FAIRY2_ASSIGN(auto sweep, asChoice(arguments));
    FAIRY2_ASSIGN(auto sorted, sortSweep(std::move(sweep), reverse));
    return Argument(std::move(sorted));
}

base::Result<Argument> callShuffle(const std::vector<Argument>& arguments) {
    if (arguments.size() == 1) {
        if (const auto* sweep = std::get_if<Sweep>(&arguments.front())) {
            if (sweep->kind != Sweep::Kind::Choice && sweep->kind != Sweep::Kind::Range)
                return wrong("only lists, choices and ranges can be shuffled");
            Sweep shuffled = *sweep;
            shuffled.shuffle = true;
            return Argument(std::move(shuffled));
        }
        Element element = std::get<Element>(arguments.front());
        if (element.kind == Element::Kind::List)
            std::shuffle(element.items.begin(), element.items.end(), std::mt19937_64(std::random_device{}()));
        else
            element = Element{Element::Kind::List, {}, 0, {element}, {}};
        return Argument(std::move(element));
    }
    FAIRY2_ASSIGN(auto sweep, asChoice(arguments));
    sweep.shuffle = true;
    return Argument(std::move(sweep));
}

struct Signature {
    std::vector<std::string> parameters; // in positional order
    std::size_t required;
    bool variadic;                  // positional arguments are a list of their own
    std::vector<std::string> named; // of variadic functions
};

const std::map<std::string, Signature>& signatures() {
    static const std::map<std::string, Signature> all = {
        {"int", {{}, 0, true, {"value"}}},
        {"float", {{}, 0, true, {"value"}}},
        {"str", {{}, 0, true, {"value"}}},
        {"bool", {{}, 0, true, {"value"}}},
        {"choice", {{}, 0, true, {}}},
        {"range", {{"start", "stop", "step"}, 1, false, {}}},
        {"interval", {{"start", "end"}, 2, false, {}}},
        {"glob", {{"include", "exclude"}, 1, false, {}}},
        {"tag", {{}, 0, true, {"sweep"}}},
        {"sort", {{}, 0, true, {"sweep", "list", "reverse"}}},
        {"shuffle", {{}, 0, true, {"sweep", "list"}}},
    };
    return all;
}

// Puts named arguments in their places; a gap is filled with the default that all of them have: null, or 1
// for step.
base::Result<std::vector<Argument>> bind(const FunctionCall& call, const Signature& signature) {
    std::vector<Argument> bound;
    for (const auto& argument : call.positional)
        bound.push_back(plain(argument));
    for (const auto& [name, value] : call.named) {
        const auto& known = signature.variadic ? signature.named : signature.parameters;
        if (std::find(known.begin(), known.end(), name) == known.end())
            return wrong(fmt::format("{} has no argument '{}'", call.name, name));
    }
    if (signature.variadic) return bound;
    if (bound.size() > signature.parameters.size())
        return wrong(fmt::format("{} takes at most {} arguments", call.name, signature.parameters.size()));
    for (std::size_t i = 0; i < signature.parameters.size(); ++i) {
        const auto named = call.named.find(signature.parameters[i]);
        if (named == call.named.end()) continue;
        if (i < bound.size()) return wrong(fmt::format("the argument '{}' is given twice", named->first));
        while (bound.size() < i)
            bound.emplace_back(scalarElement(nullptr));
        bound.push_back(plain(named->second));
    }
    if (bound.size() < signature.required)
        return wrong(fmt::format("{} needs {} arguments", call.name, signature.required));
    return bound;
}

} // namespace

base::Result<base::Json> pythonNumber(const std::string& text, bool isFloat) {
    std::string digits;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto isDigit = [&](std::size_t at) {
            return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0;
        };
        if (text[i] == '_' && !(i > 0 && isDigit(i - 1) && isDigit(i + 1)))
            return wrong(fmt::format("'{}' is not a number", text));
        if (text[i] != '_') digits += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
    }
    const bool plus = !digits.empty() && digits[0] == '+';
    const char* first = digits.data() + (plus ? 1 : 0);
    const char* last = digits.data() + digits.size();
    const auto refuse = [&] {
        return wrong(fmt::format("'{}' is not {}", text, isFloat ? "a number" : "an integer of 64 bits"));
    };
    if (plus && first != last && *first == '-') return refuse();
    if (!isFloat) {
        std::int64_t value = 0;
        const auto parsed = std::from_chars(first, last, value);
        if (parsed.ec != std::errc() || parsed.ptr != last) return refuse();
        return base::Json(value);
    }
    double value = 0;
    const auto parsed = std::from_chars(first, last, value);
    if (parsed.ptr != last || first == last || digits.find('(') != std::string::npos) return refuse();
    if (parsed.ec == std::errc::result_out_of_range) value = std::strtod(first, nullptr);
    return base::Json(value);
}

base::Result<Argument> callFunction(const FunctionCall& call) {
    const auto found = signatures().find(call.name);
    if (found == signatures().end())
        return wrong(
            fmt::format("there is no function '{}' (int float str bool choice range interval glob tag sort "
                        "shuffle)",
                        call.name));
    FAIRY2_ASSIGN(auto arguments, bind(call, found->second));
    bool reverse = false;
    // The variadic functions take their subject by name as well: sort(list=[3,1]).
    for (const auto& [name, value] : call.named) {
        if (!found->second.variadic) break;
        if (name == "reverse") {
            const auto* flag = scalarOf(value);
            if (flag == nullptr || !flag->is_boolean()) return wrong("reverse is true or false");
            reverse = flag->get<bool>();
            continue;
        }
        if (!arguments.empty() && call.name != "tag")
            return wrong("a value is given both by position and by name");
        const auto* list = std::get_if<Element>(&value);
        if (name == "list" && (list == nullptr || list->kind != Element::Kind::List))
            return wrong("list must be a list");
        if (name == "sweep" && list != nullptr) return wrong("sweep must be a sweep");
        arguments.push_back(plain(value));
    }
    if (call.name == "choice") return callChoice(arguments);
    if (call.name == "range") {
        if (arguments.size() > 2)
            if (const auto* step = scalarOf(arguments[2]); step != nullptr && step->is_null())
                arguments.pop_back();
        return callRange(arguments, Sweep::Kind::Range);
    }
    if (call.name == "interval") return callRange(arguments, Sweep::Kind::Interval);
    if (call.name == "glob") return callGlob(arguments);
    if (call.name == "tag") return callTag(arguments);
    if (call.name == "sort") return callSort(arguments, reverse);
    if (call.name == "shuffle") return callShuffle(arguments);
    return callCast(call.name, arguments);
}

} // namespace fairy2::config
