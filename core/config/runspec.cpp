// SPDX-License-Identifier: Apache-2.0
#include "config/runspec.h"

#include "config/schema.h"

#include <cmath>
#include <filesystem>
#include <fmt/format.h>

namespace fairy2::config {
namespace {

using base::Json;

constexpr double kPi = 3.14159265358979323846;

const Json& at(const Json& tree, const std::string& key) {
    return tree.at(Json::json_pointer("/" + [&key] {
        std::string path = key;
        std::replace(path.begin(), path.end(), '.', '/');
        return path;
    }()));
}

template <typename T>
void read(const Json& tree, const std::string& key, T& into) {
    into = at(tree, key).get<T>();
}

base::Result<void> readBetas(const Json& betas, RunSpec& spec) {
    const bool fits = betas.size() == 2 && betas[0].is_number() && betas[1].is_number();
    const double first = fits ? betas[0].get<double>() : -1;
    const double second = fits ? betas[1].get<double>() : -1;
    if (!(first >= 0 && first < 1 && second >= 0 && second < 1))
        return base::badInput("two numbers from 0 up to 1 were expected, as [0.9, 0.95]", {},
                              "training.betas");
    spec.beta1 = first;
    spec.beta2 = second;
    return {};
}

// What the schema knows but no room can do yet is refused here, at the start of a run.
base::Result<void> checkAvailable(const Json& tree, const RunSpec& spec) {
    const auto refuse = [](const std::string& key, const std::string& what, const std::string& cure) {
        return base::badInput(what + " is not available in this version", {}, key, cure);
    };
    if (at(tree, "training.logging.wandb.enabled").get<bool>())
        return refuse("training.logging.wandb.enabled", "Weights & Biases",
                      "set training.logging.wandb.enabled=false; the run's log folder opens in TensorBoard");
    if (at(tree, "gcs.enabled").get<bool>())
        return refuse("gcs.enabled", "Google Cloud Storage",
                      "set gcs.enabled=false and copy the run's checkpoints");
    if (spec.ceWeight == 0 && spec.distillWeight == 0)
        return base::badInput("neither the next token nor a teacher is learned from", {}, "training.ce_weight",
                              "set training.ce_weight or training.distill.weight above 0");
    if (spec.worldSize != 1 || at(tree, "distributed.strategy") != "single")
        return refuse("distributed.world_size", "training on several ranks", "use distributed=single");
    if (at(tree, "launcher.name") != "local")
        return refuse("launcher.name", "this launcher", "use launcher=local");
    return {};
}

base::Result<void> checkLoss(const RunSpec& spec) {
    if (spec.ceWeight > 0 || spec.distillWeight > 0) return {};
    return base::badInput("with both weights 0 there is nothing to learn from", {}, "training.ce_weight",
                          "set training.ce_weight=1, or training.distill.weight=1 for distillation");
}

base::Result<void> checkDomains(const Json& tree) {
    const auto& domains = at(tree, "data.domains");
    if (domains.empty()) return {};
    const auto root = at(tree, "data.root").get<std::string>();
    if (root.empty())
        return base::badInput("the mixture needs a folder with one folder of text per domain", {},
                              "data.root", "data.root=FOLDER, or choose data=tokens data.tokens=FILE");
    for (std::size_t i = 0; i < domains.size(); ++i) {
        const auto& domain = domains[i];
        if (!domain.is_object() || !domain.contains("name") || !domain["name"].is_string())
            return base::badInput("a domain is {name, weight, license}", {},
                                  fmt::format("data.domains[{}]", i));
        const auto folder = std::filesystem::path(root) / domain["name"].get<std::string>();
        if (!std::filesystem::is_directory(folder))
            return base::fail(base::ErrorCode::NotFound, "the folder of this domain is missing",
                              folder.string(), fmt::format("data.domains[{}]", i),
                              fmt::format("put the texts of '{}' there", domain["name"].get<std::string>()));
    }
    return base::badInput("a mixture of text folders is not available in this version", {}, "data.domains",
                          "choose data=tokens data.tokens=FILE with rows of token ids");
}

} // namespace

double RunSpec::learningRateAt(std::int64_t step) const {
    const double warm =
        warmupSteps > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(warmupSteps)) : 1;
    const double part = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(maxSteps, 1));
    const auto cosine = [](double from, double to, double at) {
        return to + (from - to) * 0.5 * (1 + std::cos(kPi * std::clamp(at, 0.0, 1.0)));
    };
    double shape = 1;
    if (schedule == "cosine") shape = cosine(1, minLrRatio, part);
    if (schedule == "linear") shape = 1 - (1 - minLrRatio) * part;
    if (schedule == "wsd" && decayRatio > 0 && part > 1 - decayRatio)
        shape = 1 - (1 - minLrRatio) * (part - (1 - decayRatio)) / decayRatio;
    // The published recipe's 30 000 steps: hold to 8 000, cosine to 1/6 over 2 000, from 19 000 to 1/30 over
    // 1 000.
    if (schedule == "fairy2i")
        shape = part < 19.0 / 30 ? cosine(1, 1.0 / 6, (part * 30 - 8) / 2)
                                 : cosine(1.0 / 6, 1.0 / 30, part * 30 - 19);
    return learningRate * warm * shape;
}

base::Result<RunSpec> RunSpec::fromConfig(const Json& tree) {
    Node checked = schemaDefaults();
    if (!tree.is_object()) return base::badInput("a configuration is a JSON object");
    merge(checked, Node::fromJson(tree, {}));
    FAIRY2_TRY(checkAgainstSchema(checked));
    const Json full = checked.toJson();

    RunSpec spec;
    read(full, "model.path", spec.modelPath);
    read(full, "model.init", spec.modelInit);
    read(full, "training.max_steps", spec.maxSteps);
    read(full, "training.micro_batch_size", spec.microBatchSize);
    read(full, "training.gradient_accumulation", spec.gradientAccumulation);
    read(full, "training.sequence_length", spec.sequenceLength);
    read(full, "training.learning_rate", spec.learningRate);
    read(full, "training.schedule", spec.schedule);
    read(full, "training.min_lr_ratio", spec.minLrRatio);
    read(full, "training.decay_ratio", spec.decayRatio);
    read(full, "training.warmup_steps", spec.warmupSteps);
    read(full, "training.weight_decay", spec.weightDecay);
    read(full, "training.clip_norm", spec.clipNorm);
    FAIRY2_TRY(readBetas(at(full, "training.betas"), spec));
    read(full, "training.eps", spec.eps);
    read(full, "training.seed", spec.seed);
    read(full, "training.precision", spec.precision);
    read(full, "training.save_every", spec.saveEvery);
    read(full, "training.eval_every", spec.evalEvery);
    read(full, "training.ce_weight", spec.ceWeight);
    read(full, "training.distill.weight", spec.distillWeight);
    read(full, "training.distill.temperature", spec.distillTemperature);
    read(full, "training.distill.teacher", spec.distillTeacher);
    read(full, "data.tokens", spec.tokens);
    read(full, "data.tokens_key", spec.tokensKey);
    read(full, "data.validation", spec.validation);
    read(full, "data.validation_key", spec.validationKey);
    read(full, "data.shuffle", spec.shuffle);
    read(full, "run.name", spec.runName);
    read(full, "run.dir", spec.runDir);
    read(full, "distributed.world_size", spec.worldSize);

    Json recipe = Json::object();
    for (const char* key : {"stages", "scale_granularity", "quantize_lm_head", "layers"})
        recipe[key] = full["training"][key];
    FAIRY2_ASSIGN(spec.recipe, quant::ModelRecipe::fromJson(recipe, "training"));
    FAIRY2_TRY(checkAvailable(full, spec));
    FAIRY2_TRY(checkLoss(spec));
    if (spec.modelPath.empty())
        return base::badInput("no model is given", {}, "model.path",
                              "model=stories260k, or model.path=FOLDER");
    FAIRY2_TRY(checkDomains(full));
    if (spec.tokens.empty())
        return base::badInput("no tokens are given", {}, "data.tokens",
                              "data=tinystories, or data.tokens=FILE.safetensors with I32 rows of token ids");
    return spec;
}

} // namespace fairy2::config
