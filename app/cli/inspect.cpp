// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"
#include "models/inspection.h"
#include "table.h"
#include "units.h"
#include "verb.h"

#include <fmt/format.h>
#include <map>

namespace fairy2::cli {
namespace {

std::string kindText(models::CheckpointKind kind) {
    switch (kind) {
    case models::CheckpointKind::HuggingFace:
        return "Hugging Face";
    case models::CheckpointKind::Master:
        return "master weights of a Fairy2 run";
    case models::CheckpointKind::Baked:
        return "baked by Fairy2, already quantised";
    case models::CheckpointKind::Packed:
        return "packed by Fairy2, already quantised";
    }
    return {};
}

std::string dtypesText(const models::Checkpoint& model) {
    std::map<std::string, std::uint64_t> bytesOf;
    for (const auto& tensor : model.tensors())
        bytesOf[std::string(tensors::name(tensor.dtype))] += tensor.bytes;
    std::vector<std::string> names;
    for (const auto& [name, bytes] : bytesOf)
        names.push_back(bytesOf.size() == 1 ? name : fmt::format("{} {}", bytesText(bytes), name));
    return fmt::format("{}", fmt::join(names, " + "));
}

std::string factsText(const models::Checkpoint& model) {
    const auto& spec = model.spec();
    const auto tokenizer = models::findTokenizer(model.path());
    Table facts({"", ""});
    facts.add({"kind", kindText(model.kind())});
    facts.add(
        {"architecture", fmt::format("{}, {} layers, hidden {}, MLP {}", models::architecture(spec.family),
                                     spec.layers, spec.hiddenSize, spec.intermediateSize)});
    facts.add({"attention", fmt::format("{} heads of {}, {} for keys and values{}", spec.heads, spec.headDim,
                                        spec.kvHeads, spec.qkNorm ? ", q and k normalised" : "")});
    facts.add({"positions",
               fmt::format("{}, RoPE θ {:g}{}", countText(spec.maxPositions), spec.ropeTheta,
                           spec.ropeScaling
                               ? fmt::format(", llama3 scaling ×{:g} from {}", spec.ropeScaling->factor,
                                             countText(spec.ropeScaling->originalMaxPositions))
                               : "")});
    facts.add({"vocabulary", fmt::format("{}, {} head", countText(spec.vocabSize),
                                         spec.tiedEmbeddings ? "tied" : "untied")});
    facts.add({"tokenizer", tokenizer.present()
                                ? fmt::format("{} ({})", tokenizer.kind, tokenizer.file.filename().string())
                                : "none in the folder"});
    facts.add({"parameters", countText(spec.parameters())});
    facts.add(
        {"stored", fmt::format("{} {}, {:.4g} bits per weight of the linears", bytesText(model.storedBytes()),
                               dtypesText(model), model.storedBitsPerWeight())});
    return facts.text();
}

std::string modesText(const models::Checkpoint& model) {
    if (model.kind() == models::CheckpointKind::Baked || model.kind() == models::CheckpointKind::Packed)
        return {};
    Table modes({"packed as", ">bits/weight", ">size", ">of stored", ">linears"});
    for (const auto& size : models::modeSizes(model))
        modes.add({fmt::format("W{}", size.stages), fmt::format("{:.4f}", size.bitsPerWeight),
                   bytesText(size.bytes),
                   fmt::format("{:.1f} %", 100.0 * static_cast<double>(size.bytes) /
                                               static_cast<double>(model.storedBytes())),
                   std::to_string(size.quantizedLinears)});
    return modes.text();
}

// "model.layers.12.mlp.up_proj" → "model.layers.*.mlp.up_proj": layers of one shape share a row.
std::string pattern(const std::string& name) {
    constexpr std::string_view kLayers = "model.layers.";
    if (name.rfind(kLayers, 0) != 0) return name;
    const auto dot = name.find('.', kLayers.size());
    return fmt::format("{}*{}", kLayers, name.substr(std::min(dot, name.size())));
}

std::string linearsText(const models::Checkpoint& model) {
    struct Row {
        std::string name;
        const models::LinearInfo* linear;
        int count;
    };
    std::vector<Row> rows;
    int quantizable = 0;
    for (const auto& linear : model.linears()) {
        quantizable += linear.quantizable ? 1 : 0;
        const auto name = pattern(linear.name);
        const auto same = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
            return row.name == name && row.linear->rows == linear.rows && row.linear->cols == linear.cols &&
                   row.linear->reason == linear.reason;
        });
        if (same != rows.end())
            ++same->count;
        else
            rows.push_back({name, &linear, 1});
    }
    Table table({"linear layers", ">rows", ">columns", ">count", "quantisable"});
    for (const auto& row : rows) {
        const bool tied = row.linear->name == "lm_head" && model.spec().tiedEmbeddings;
        table.add({row.name + (tied ? " (tied)" : ""), countText(row.linear->rows),
                   countText(row.linear->cols), std::to_string(row.count),
                   row.linear->quantizable ? "yes" : "no: " + row.linear->reason});
    }
    return table.text() + fmt::format("{} of {} quantisable\n", quantizable, model.linears().size());
}

base::Result<Outcome> inspectModel(const std::string& name) {
    FAIRY2_ASSIGN(const auto model, models::Checkpoint::open(name));
    Outcome outcome;
    outcome.document = models::inspect(*model);
    const auto modes = modesText(*model);
    outcome.text = fmt::format("{}\n\n{}\n{}{}{}", base::printable(model->displayName()), factsText(*model),
                               modes, modes.empty() ? "" : "\n", linearsText(*model));
    return outcome;
}

} // namespace

void addInspect(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(program, invocation, "inspect",
                             "what a model is: shape, tensors, linears, size in each mode",
                             "fairy2 inspect HuggingFaceTB/SmolLM2-135M --json");
    auto model = std::make_shared<std::string>();
    verb->add_option("model", *model, "folder, file of it, or org/name in the Hugging Face cache")
        ->required();
    verb->callback([&invocation, model] { invocation.run = [model] { return inspectModel(*model); }; });
}

} // namespace fairy2::cli
