// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include "config/nearest.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace fairy2::config {
namespace {

using base::Json;

constexpr double kMany = 9.0e15; // whole numbers up to here survive a trip through JSON readers

KeyInfo integer(std::string key, Json value, double least, double most, std::string unit, std::string help) {
    return {std::move(key), "int", std::move(help), std::move(unit), std::move(value), {}, least, most};
}
KeyInfo number(std::string key, double value, double least, double most, std::string unit, std::string help) {
    return {std::move(key), "float", std::move(help), std::move(unit), value, {}, least, most};
}
KeyInfo flag(std::string key, bool value, std::string help) {
    return {std::move(key), "bool", std::move(help), {}, value, {}, {}, {}};
}
KeyInfo text(std::string key, std::string value, std::string help) {
    return {std::move(key), "string", std::move(help), {}, std::move(value), {}, {}, {}};
}
KeyInfo list(std::string key, Json value, std::string help) {
    return {std::move(key), "list", std::move(help), {}, std::move(value), {}, {}, {}};
}
KeyInfo choice(std::string key, std::vector<std::string> choices, std::string help) {
    const Json first = choices.front();
    return {std::move(key), "choice", std::move(help), {}, first, std::move(choices), {}, {}};
}

std::vector<KeyInfo> makeSchema() {
    return {
        text("model.name", "", "short name of the model, for tables and run names"),
        text("model.path", "", "model to train: folder or org/name in the Hugging Face cache"),
        choice("model.init", {"pretrained", "random"},
               "weights to start from: those of the model, or random ones made from its config.json alone"),

        integer("training.stages", 2, 0, 4, "stages",
                "residual stages T of every linear; 0 trains in full precision"),
        choice("training.scale_granularity", {"tensor", "row", "tile64"},
               "which weights share one pair of scales: the whole matrix, a complex row, a 64×64 tile"),
        flag("training.quantize_lm_head", false, "quantise the output layer too"),
        list("training.layers", Json::array(),
             "rules for single layers, first match wins: [{match: GLOB, stages, scale, skip}]"),
        integer("training.max_steps", 1000, 1, kMany, "steps", "optimiser steps of the whole run"),
        integer("training.micro_batch_size", 8, 1, 1e6, "rows",
                "rows of tokens in one forward and backward pass"),
        integer("training.gradient_accumulation", 1, 1, 1e6, "", "micro-batches in one optimiser step"),
        integer("training.sequence_length", 0, 0, 1e6, "tokens",
                "tokens used of each row; 0 takes whole rows"),
        number("training.learning_rate", 1e-3, 0, 10, "", "peak learning rate"),
        choice("training.schedule", {"cosine", "constant", "linear", "wsd", "fairy2i"},
               "shape of the learning rate after warm-up; wsd holds and decays at the end, fairy2i is the "
               "published "
               "two-step decay"),
        number("training.min_lr_ratio", 0.05, 0, 1, "", "last learning rate as a part of the peak"),
        number("training.decay_ratio", 0.1, 0, 1, "", "part of the run over which the schedule wsd decays"),
        integer("training.warmup_steps", 0, 0, kMany, "steps", "steps of linear warm-up"),
        number("training.weight_decay", 0, 0, 10, "", "decoupled weight decay of matrices (AdamW)"),
        list("training.betas", Json::array({0.9, 0.95}), "decay of AdamW's two moments"),
        number("training.eps", 1e-8, 0, 1, "", "term that keeps AdamW's division finite"),
        number("training.clip_norm", 2.0, 0, 1e9, "", "largest norm of the gradient; 0 does not clip"),
        integer("training.seed", 42, 0, kMany, "", "seed of the row order and of random weights"),
        choice("training.precision", {"fp32", "bf16"},
               "arithmetic of forward and backward; master weights are fp32"),
        integer("training.save_every", 0, 0, kMany, "steps",
                "steps between checkpoints; 0 saves at the end only"),
        integer("training.eval_every", 0, 0, kMany, "steps",
                "steps between evaluations; 0 evaluates at start and end only"),
        number("training.ce_weight", 1.0, 0, 1e6, "", "weight of the next-token loss"),
        number("training.distill.weight", 0, 0, 1e6, "",
               "weight of the distance to the teacher's predictions"),
        number("training.distill.temperature", 1.0, 1e-3, 1e3, "", "temperature of that distance"),
        text("training.distill.teacher", "", "teacher model; empty is the model itself in full precision"),
        flag("training.logging.wandb.enabled", false, "forward the run log to Weights & Biases"),
        text("training.logging.wandb.project", "", "Weights & Biases project"),

        text("data.name", "", "short name of the data, for tables"),
        text("data.tokens", "", "safetensors file with I32 rows of token ids"),
        text("data.tokens_key", "", "tensor of that file; empty takes the first"),
        text("data.validation", "", "file with rows for the evaluation loss; empty evaluates nothing"),
        text("data.validation_key", "", "tensor of that file; empty takes the first"),
        flag("data.shuffle", true, "mix the rows anew in every epoch; false takes them in order"),
        text("data.root", "", "folder with one folder of text per domain"),
        list("data.domains", Json::array(), "domains of the mixture: [{name, weight, license}]"),

        text("distributed.strategy", "single", "how ranks share the work"),
        integer("distributed.world_size", 1, 1, 65536, "ranks", "number of ranks"),

        text("launcher.name", "local", "where the run is started"),

        text("run.dir", "", "folder of the run; empty makes one below the home folder"),
        text("run.name", "", "name of the run"),

        flag("gcs.enabled", false, "copy checkpoints to Google Cloud Storage"),
        text("gcs.bucket", "", "bucket for checkpoints"),
    };
}

base::Error wrongValue(const Node& value, const KeyInfo& info, const std::string& expected) {
    return {base::ErrorCode::BadInput,
            fmt::format("the value is {}; {} was expected",
                        value.toJson().dump(-1, ' ', false, Json::error_handler_t::replace), expected),
            value.source == "override" || value.source == "default" ? std::string() : value.source, info.key,
            info.help};
}

std::string rangeText(const KeyInfo& info) {
    return fmt::format("{} from {} to {}", info.type == "int" ? "a whole number" : "a number",
                       info.least.value_or(0), info.most.value_or(0));
}

base::Result<void> checkNumber(Node& value, const KeyInfo& info) {
    const bool fits = info.type == "int" ? value.isScalar() && value.scalar.is_number_integer()
                                         : value.isScalar() && value.scalar.is_number();
    if (!fits) return tl::unexpected(wrongValue(value, info, rangeText(info)));
    const double number = value.scalar.get<double>();
    if (!(number >= *info.least && number <= *info.most))
        return tl::unexpected(wrongValue(value, info, rangeText(info)));
    if (info.type == "float") value.scalar = number;
    return {};
}

base::Result<void> checkText(Node& value, const KeyInfo& info) {
    if (value.isNull()) value.scalar = "";
    if (value.isMissing())
        return base::fail(base::ErrorCode::Usage, "a value must be given", {}, info.key,
                          info.key + "=…: " + info.help);
    // A name made of digits is read as a number; it was meant as the text that was written.
    if (value.isScalar() && value.scalar.is_number()) value.scalar = pythonText(value.scalar);
    if (!value.isScalar() || !value.scalar.is_string())
        return tl::unexpected(wrongValue(value, info, "a text"));
    if (info.type != "choice") return {};
    const auto& text = value.scalar.get_ref<const std::string&>();
    if (std::find(info.choices.begin(), info.choices.end(), text) == info.choices.end())
        return tl::unexpected(
            wrongValue(value, info, fmt::format("one of {}", fmt::join(info.choices, ", "))));
    return {};
}

base::Result<void> checkValue(Node& value, const KeyInfo& info) {
    if (info.type == "int" || info.type == "float") return checkNumber(value, info);
    if (info.type == "string" || info.type == "choice") return checkText(value, info);
    if (info.type == "bool" && !(value.isScalar() && value.scalar.is_boolean()))
        return tl::unexpected(wrongValue(value, info, "true or false"));
    if (info.type == "list") {
        if (value.isNull()) value = Node::fromJson(Json::array(), value.source);
        if (!value.isList()) return tl::unexpected(wrongValue(value, info, "a list"));
    }
    return {};
}

bool isInnerKey(const std::string& key) {
    return std::any_of(schema().begin(), schema().end(),
                       [&](const KeyInfo& info) { return info.key.starts_with(key + "."); });
}

base::Result<void> checkTree(Node& node, const std::string& prefix) {
    for (auto& entry : node.entries) {
        const auto key = prefix + entry.key;
        if (const KeyInfo* info = findKey(key)) {
            FAIRY2_TRY(checkValue(entry.value, *info));
        } else if (isInnerKey(key) && entry.value.isMap()) {
            FAIRY2_TRY(checkTree(entry.value, key + "."));
        } else {
            std::vector<std::string> names;
            for (const auto& known : schema())
                names.push_back(known.key);
            const bool isFile = entry.value.source != "override";
            return base::fail(isFile ? base::ErrorCode::BadInput : base::ErrorCode::Usage,
                              "there is no such key", isFile ? entry.value.source : std::string(), key,
                              isInnerKey(key) ? "it is a group of keys"
                                              : "fairy2 config show lists all keys" + orNearest(key, names));
        }
    }
    return {};
}

} // namespace

const std::vector<KeyInfo>& schema() {
    static const std::vector<KeyInfo> all = makeSchema();
    return all;
}

const KeyInfo* findKey(const std::string& key) {
    const auto found =
        std::find_if(schema().begin(), schema().end(), [&](const KeyInfo& info) { return info.key == key; });
    return found == schema().end() ? nullptr : &*found;
}

Node schemaDefaults() {
    Node root = Node::map("default");
    for (const auto& info : schema()) {
        const auto keys = splitPath(info.key);
        Node* node = &root;
        for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
            if (node->child(keys[i]) == nullptr) node->set(keys[i], Node::map("default"));
            node = node->child(keys[i]);
        }
        node->set(keys.back(), Node::fromJson(info.defaultValue, "default"));
    }
    return root;
}

base::Result<void> checkAgainstSchema(Node& tree) {
    return checkTree(tree, {});
}

} // namespace fairy2::config
