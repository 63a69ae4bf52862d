// SPDX-License-Identifier: Apache-2.0
#include "models/inspection.h"

#include "pack/exportplan.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace fairy2::models {
namespace {

using base::Json;

constexpr std::uintmax_t kMaxTokenizerBytes = std::uintmax_t{64} << 20U;

// Looks for /model/type and ends the reading there: it stands before the vocabulary.
class ModelTypeFinder : public nlohmann::json_sax<Json> {
public:
    std::string type;

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t) override { return value(); }
    bool number_unsigned(number_unsigned_t) override { return value(); }
    bool number_float(number_float_t, const string_t&) override { return value(); }
    bool binary(binary_t&) override { return value(); }
    bool string(string_t& text) override {
        if (m_depth == 2 && m_inModel && m_key == "type") {
            type = text;
            return false;
        }
        return value();
    }
    bool key(string_t& text) override {
        if (m_depth == 1) m_inModel = text == "model";
        if (m_depth == 2) m_key = text;
        // Files of older versions leave the type out; only BPE has merges.
        if (m_depth == 2 && m_inModel && text == "merges") type = "BPE";
        return true;
    }
    bool start_object(std::size_t) override { return ++m_depth < kMaxDepth; }
    bool end_object() override { return --m_depth >= 0; }
    bool start_array(std::size_t) override { return ++m_depth < kMaxDepth; }
    bool end_array() override { return --m_depth >= 0; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

private:
    static constexpr int kMaxDepth = 64;
    bool value() { return true; }
    int m_depth = 0;
    bool m_inModel = false;
    std::string m_key;
};

std::string tokenizerKind(const base::Path& file) {
    std::error_code error;
    if (std::filesystem::file_size(file, error) > kMaxTokenizerBytes || error) return "unknown";
    std::ifstream stream(file, std::ios::binary);
    ModelTypeFinder finder;
    Json::sax_parse(stream, &finder);
    for (const char* known : {"BPE", "Unigram", "WordPiece", "WordLevel"})
        if (finder.type == known) return known;
    return "unknown";
}

Json tensorList(const Checkpoint& model) {
    auto list = Json::array();
    for (const auto& tensor : model.tensors())
        list.push_back(
            {{"name", tensor.name}, {"dtype", tensors::name(tensor.dtype)}, {"shape", tensor.shape}});
    return list;
}

Json linearList(const Checkpoint& model) {
    auto list = Json::array();
    for (const auto& linear : model.linears())
        list.push_back({{"name", linear.name},
                        {"rows", linear.rows},
                        {"cols", linear.cols},
                        {"quantizable", linear.quantizable},
                        {"reason", linear.reason}});
    return list;
}

} // namespace

std::vector<ModeSize> modeSizes(const Checkpoint& model) {
    std::vector<ModeSize> sizes;
    for (int stages = 1; stages <= 3; ++stages) {
        pack::ExportOptions options;
        options.recipe.emplace().defaults.stages = stages;
        const auto plan = pack::planExport(model, options);
        if (plan) sizes.push_back({stages, plan->quantizedLayers, plan->bitsPerWeight, plan->expectedBytes});
    }
    return sizes;
}

TokenizerFound findTokenizer(const base::Path& folder) {
    std::error_code error;
    const auto there = [&](const char* name) {
        return std::filesystem::is_regular_file(folder / name, error);
    };
    if (there("tokenizer.json")) return {folder / "tokenizer.json", tokenizerKind(folder / "tokenizer.json")};
    if (there("vocab.json") && there("merges.txt")) return {folder / "vocab.json", "BPE"};
    if (there("tokenizer.model")) return {folder / "tokenizer.model", "SentencePiece"};
    return {};
}

Json inspect(const Checkpoint& model) {
    const auto& spec = model.spec();
    const auto tokenizer = findTokenizer(model.path());
    auto modes = Json::array();
    for (const auto& size : modeSizes(model))
        modes.push_back({{"mode", fmt::format("w{}", size.stages)},
                         {"stages", size.stages},
                         {"scale", quant::name(quant::ScaleGranularity::Tensor)},
                         {"quantized_linears", size.quantizedLinears},
                         {"bits_per_weight", size.bitsPerWeight},
                         {"bytes", size.bytes}});
    Json document{{"name", model.displayName()},
                  {"path", model.path().string()},
                  {"kind", name(model.kind())},
                  {"architecture", architecture(spec.family)},
                  {"parameters", spec.parameters()},
                  {"tied_embeddings", spec.tiedEmbeddings},
                  {"spec", spec.toJson()},
                  {"bytes", model.storedBytes()},
                  {"bits_per_weight", model.storedBitsPerWeight()},
                  {"modes", modes},
                  {"tokenizer",
                   {{"present", tokenizer.present()},
                    {"kind", tokenizer.kind},
                    {"file", tokenizer.present() ? tokenizer.file.filename().string() : std::string()}}},
                  {"tensors", tensorList(model)},
                  {"linears", linearList(model)}};
    if (model.kind() != CheckpointKind::HuggingFace) document["recipe"] = model.recipe().toJson();
    return document;
}

} // namespace fairy2::models
