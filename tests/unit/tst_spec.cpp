// SPDX-License-Identifier: Apache-2.0
#include "models/spec.h"
#include "testdata.h"

#include <set>

using namespace fairy2;
using base::Json;
using models::ModelSpec;

class TestSpec : public QObject {
    Q_OBJECT
private slots:
    void everyConfigHasItsVerdict_data();
    void everyConfigHasItsVerdict();
    void noConfigLacksAVerdict();
    void opensWithTheseValues_data();
    void opensWithTheseValues();
    void refusesNamingTheField_data();
    void refusesNamingTheField();
    void slotsSumToTheParameters_data();
    void slotsSumToTheParameters();
    void llama3FrequenciesMatchTransformers();
    void plainFrequenciesFallGeometrically();
};

namespace {

Json smallLlama() {
    return {{"model_type", "llama"},    {"vocab_size", 256},      {"hidden_size", 64},
            {"intermediate_size", 128}, {"num_hidden_layers", 2}, {"num_attention_heads", 4},
            {"num_key_value_heads", 2}};
}

Json smallQwen3() {
    auto config = smallLlama();
    config["model_type"] = "qwen3";
    config["head_dim"] = 16;
    return config;
}

Json llama3Scaling() {
    return {{"rope_type", "llama3"},
            {"factor", 8.0},
            {"low_freq_factor", 1.0},
            {"high_freq_factor", 4.0},
            {"original_max_position_embeddings", 8192}};
}

// `change` is an object whose keys replace those of the config; the value "REMOVED" takes a key away.
Json changed(Json config, const char* change) {
    const auto patch = Json::parse(change);
    for (const auto& [key, value] : patch.items()) {
        if (value == "REMOVED")
            config.erase(key);
        else
            config[key] = value;
    }
    return config;
}

base::Result<ModelSpec> readFolder(const base::Path& folder) {
    const auto file = folder / "config.json";
    FAIRY2_ASSIGN(const auto config, base::readJson(file));
    FAIRY2_ASSIGN(auto spec, models::parseSpec(config, file.string()));
    const auto generation = folder / "generation_config.json";
    if (std::filesystem::exists(generation)) {
        FAIRY2_ASSIGN(const auto json, base::readJson(generation));
        FAIRY2_TRY(models::applyGenerationConfig(spec, json, generation.string()));
    }
    return spec;
}

Json verdicts() {
    return base::readJson(tests::dataFile("hf-config/verdicts.json")).value();
}

} // namespace

void TestSpec::everyConfigHasItsVerdict_data() {
    QTest::addColumn<QByteArray>("folder");
    const auto table = verdicts();
    for (const auto& [folder, verdict] : table.items())
        QTest::newRow(folder.c_str()) << QByteArray::fromStdString(folder);
}

void TestSpec::everyConfigHasItsVerdict() {
    QFETCH(QByteArray, folder);
    const auto verdict = verdicts().at(folder.toStdString());
    const auto path = tests::dataFile("hf-config/" + folder.toStdString());
    const auto spec = readFolder(path);
    if (verdict.contains("spec")) {
        FAIRY2_OK(spec);
        QCOMPARE(spec->toJson().dump(2), verdict["spec"].dump(2));
        return;
    }
    QVERIFY2(!spec, "opened, but was to be refused");
    QCOMPARE(spec.error().code, base::ErrorCode::BadInput);
    QCOMPARE(spec.error().file, (path / "config.json").string());
    QCOMPARE(spec.error().field, verdict["refused"].get<std::string>());
    QVERIFY(!spec.error().message.empty());
}

void TestSpec::noConfigLacksAVerdict() {
    const auto table = verdicts();
    for (const auto& entry : std::filesystem::directory_iterator(tests::dataFile("hf-config")))
        if (std::filesystem::exists(entry.path() / "config.json"))
            QVERIFY2(table.contains(entry.path().filename().string()), entry.path().c_str());
}

void TestSpec::opensWithTheseValues_data() {
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<QByteArray>("pointer");
    QTest::addColumn<QByteArray>("value");
    const auto row = [](const char* title, const Json& config, const char* pointer, const char* value) {
        QTest::newRow(title) << QByteArray::fromStdString(config.dump()) << QByteArray(pointer)
                             << QByteArray(value);
    };
    const auto llama = smallLlama();
    const auto qwen3 = smallQwen3();
    row("head_dim defaults to hidden by heads in Llama", llama, "/head_dim", "16");
    row("head_dim null in Llama", changed(llama, R"({"head_dim": null})"), "/head_dim", "16");
    row("head_dim defaults to 128 in Qwen3", changed(qwen3, R"({"head_dim": "REMOVED"})"), "/head_dim",
        "128");
    row("head_dim apart from hidden by heads", changed(llama, R"({"head_dim": 24})"), "/head_dim", "24");
    row("no kv heads means as many as heads in Llama",
        changed(llama, R"({"num_key_value_heads": "REMOVED"})"), "/kv_heads", "4");
    row("kv heads null", changed(qwen3, R"({"num_key_value_heads": null})"), "/kv_heads", "4");
    row("kv heads default to 32 in Qwen3",
        changed(qwen3, R"({"num_key_value_heads": "REMOVED", "num_attention_heads": 64})"), "/kv_heads",
        "32");
    row("family from architectures",
        changed(llama, R"({"model_type": "REMOVED", "architectures": ["Qwen3ForCausalLM"]})"), "/family",
        "\"qwen3\"");
    row("untied by default", llama, "/tied_embeddings", "false");
    row("tied", changed(llama, R"({"tie_word_embeddings": true})"), "/tied_embeddings", "true");
    row("q and k norms in Qwen3", qwen3, "/qk_norm", "true");
    row("theta as an integer", changed(llama, R"({"rope_theta": 1000000})"), "/rope_theta", "1000000.0");
    row("theta in rope_parameters",
        changed(llama, R"({"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}})"), "/rope_theta",
        "500000.0");
    row("the same theta in both places",
        changed(llama, R"({"rope_theta": 5e5, "rope_parameters": {"rope_theta": 500000}})"), "/rope_theta",
        "500000.0");
    row("rope_scaling null", changed(llama, R"({"rope_scaling": null})"), "/rope_scaling", "null");
    row("rope_scaling empty", changed(llama, R"({"rope_scaling": {}})"), "/rope_scaling", "null");
    row("rope_scaling default", changed(llama, R"({"rope_scaling": {"type": "default"}})"), "/rope_scaling",
        "null");
    auto scaled = llama;
    scaled["rope_scaling"] = llama3Scaling();
    row("llama3 in rope_scaling", scaled, "/rope_scaling/factor", "8.0");
    scaled["rope_parameters"] = llama3Scaling();
    row("llama3 in both spellings", scaled, "/rope_scaling/original_max_positions", "8192");
    scaled.erase("rope_scaling");
    row("llama3 in rope_parameters", scaled, "/rope_scaling/high_freq_factor", "4.0");
    scaled["rope_parameters"].erase("rope_type");
    scaled["rope_parameters"]["type"] = "llama3";
    row("llama3 called type", scaled, "/rope_scaling/low_freq_factor", "1.0");
    row("swish is silu", changed(llama, R"({"hidden_act": "swish"})"), "/layers", "2");
    row("tensor-parallel pretraining", changed(llama, R"({"pretraining_tp": 4})"), "/layers", "2");
    row("sliding window switched off",
        changed(qwen3, R"({"use_sliding_window": false, "sliding_window": 4096})"), "/layers", "2");
    row("full attention in every layer",
        changed(qwen3, R"({"layer_types": ["full_attention", "full_attention"]})"), "/layers", "2");
    row("the whole head rotates", changed(llama, R"({"partial_rotary_factor": 1.0})"), "/layers", "2");
    row("one eos", changed(llama, R"({"eos_token_id": 7})"), "/eos_ids", "[7]");
    row("eos in an array, one twice", changed(llama, R"({"eos_token_id": [7, 3, 7]})"), "/eos_ids", "[7,3]");
    row("eos null", changed(llama, R"({"eos_token_id": null})"), "/eos_ids", "[]");
    row("eos outside the vocabulary", changed(llama, R"({"eos_token_id": [256, -1, 255]})"), "/eos_ids",
        "[255]");
    row("eos of Llama by default", llama, "/eos_ids", "[2]");
    row("bos outside the vocabulary", changed(llama, R"({"bos_token_id": 99999999999})"), "/bos_id", "null");
    row("unknown keys", changed(llama, R"({"auto_map": {"AutoModel": "x.y"}, "torch_dtype": "bfloat16"})"),
        "/heads", "4");
}

void TestSpec::opensWithTheseValues() {
    QFETCH(QByteArray, config);
    QFETCH(QByteArray, pointer);
    QFETCH(QByteArray, value);
    const auto spec = models::parseSpec(Json::parse(config.toStdString()), "config.json");
    FAIRY2_OK(spec);
    QCOMPARE(spec->toJson().at(Json::json_pointer(pointer.toStdString())).dump(), value.toStdString());
}

void TestSpec::refusesNamingTheField_data() {
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<QByteArray>("field");
    const auto row = [](const Json& config, const char* change, const char* field) {
        QTest::newRow(change) << QByteArray::fromStdString(changed(config, change).dump())
                              << QByteArray(field);
    };
    const auto llama = smallLlama();
    const auto qwen3 = smallQwen3();
    for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"}) {
        for (const char* value :
             {"\"REMOVED\"", "null", "0", "-1", "1.5", "64.0", "\"64\"", "true", "[64]", "4294967296",
              "9223372036854775807", "9223372036854775808", "18446744073709551615", "1e300"})
            row(llama, ("{\"" + std::string(key) + "\": " + value + "}").c_str(), key);
    }
    for (const char* key :
         {"intermediate_size", "num_key_value_heads", "head_dim", "max_position_embeddings"}) {
        for (const char* value : {"0", "-8", "1.5", "\"8\"", "4294967296", "18446744073709551615"})
            row(llama, ("{\"" + std::string(key) + "\": " + value + "}").c_str(), key);
    }
    row(llama, R"({"model_type": "mistral"})", "model_type");
    row(llama, R"({"model_type": "LLAMA"})", "model_type");
    row(llama, R"({"model_type": 3})", "model_type");
    row(llama, R"({"model_type": "REMOVED"})", "model_type");
    row(llama, R"({"model_type": "REMOVED", "architectures": []})", "architectures");
    row(llama, R"({"architectures": "LlamaForCausalLM"})", "architectures");
    row(llama, R"({"architectures": ["Qwen3ForCausalLM"]})", "architectures");
    row(llama, R"({"architectures": ["LlamaForSequenceClassification"]})", "architectures");
    row(llama, R"({"architectures": ["LlamaForCausalLM", "Qwen3ForCausalLM"]})", "architectures");
    row(llama, R"({"num_key_value_heads": 3})", "num_key_value_heads");
    row(qwen3, R"({"num_key_value_heads": "REMOVED"})", "num_key_value_heads");
    row(llama, R"({"num_attention_heads": 6})", "num_attention_heads");
    row(llama, R"({"head_dim": 15})", "head_dim");
    row(llama, R"({"hidden_size": 60})", "head_dim");
    row(qwen3, R"({"head_dim": null})", "head_dim");
    row(llama, R"({"hidden_act": "gelu"})", "hidden_act");
    row(llama, R"({"hidden_act": null})", "hidden_act");
    row(llama, R"({"attention_bias": true})", "attention_bias");
    row(llama, R"({"attention_bias": "false"})", "attention_bias");
    row(llama, R"({"mlp_bias": true})", "mlp_bias");
    row(llama, R"({"tie_word_embeddings": "yes"})", "tie_word_embeddings");
    row(llama, R"({"tie_word_embeddings": null})", "tie_word_embeddings");
    row(llama, R"({"rms_norm_eps": "1e-6"})", "rms_norm_eps");
    row(llama, R"({"rms_norm_eps": 0})", "rms_norm_eps");
    row(llama, R"({"rms_norm_eps": -1e-6})", "rms_norm_eps");
    row(llama, R"({"rope_theta": 0})", "rope_theta");
    row(llama, R"({"rope_theta": 1e39})", "rope_theta");
    row(llama, R"({"rope_theta": "10000"})", "rope_theta");
    row(llama, R"({"rope_theta": 10000, "rope_parameters": {"rope_theta": 5e5}})",
        "rope_parameters.rope_theta");
    row(llama, R"({"partial_rotary_factor": 0.5})", "partial_rotary_factor");
    row(llama, R"({"rope_parameters": {"partial_rotary_factor": 0.25}})",
        "rope_parameters.partial_rotary_factor");
    row(llama, R"({"rope_scaling": 42})", "rope_scaling");
    row(llama, R"({"rope_scaling": []})", "rope_scaling");
    row(llama, R"({"rope_scaling": {"type": "linear", "factor": 2.0}})", "rope_scaling.type");
    row(llama, R"({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}})", "rope_scaling.rope_type");
    row(llama, R"({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}})", "rope_scaling.rope_type");
    row(llama, R"({"rope_parameters": {"rope_type": "longrope"}})", "rope_parameters.rope_type");
    row(llama, R"({"rope_scaling": {"rope_type": "default", "type": "linear"}})", "rope_scaling.type");
    row(llama, R"({"rope_scaling": {"rope_type": 3}})", "rope_scaling.rope_type");
    row(llama, R"({"rope_parameters": {"full_attention": {"rope_theta": 1e6}}})",
        "rope_parameters.full_attention");
    row(llama, R"({"rope_scaling": {"rope_type": "llama3"}})", "rope_scaling.factor");
    row(llama, R"({"rope_scaling": {"rope_type": "llama3", "factor": 0.5}})", "rope_scaling.factor");
    row(llama,
        R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}})",
        "rope_scaling.high_freq_factor");
    row(llama,
        R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}})",
        "rope_scaling.original_max_position_embeddings");
    row(llama,
        R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
            "original_max_position_embeddings": 64}, "rope_parameters": {"rope_type": "default"}})",
        "rope_parameters");
    row(qwen3, R"({"use_sliding_window": true})", "use_sliding_window");
    row(qwen3, R"({"layer_types": ["full_attention"]})", "layer_types");
    row(qwen3, R"({"layer_types": ["full_attention", "sliding_attention"]})", "layer_types");
    row(qwen3, R"({"layer_types": "full_attention"})", "layer_types");
    row(llama, R"({"eos_token_id": "2"})", "eos_token_id");
    row(llama, R"({"eos_token_id": [2.0]})", "eos_token_id");
    row(llama, R"({"eos_token_id": [[2]]})", "eos_token_id");
    row(llama, R"({"bos_token_id": true})", "bos_token_id");
}

void TestSpec::refusesNamingTheField() {
    QFETCH(QByteArray, config);
    QFETCH(QByteArray, field);
    const auto spec = models::parseSpec(Json::parse(config.toStdString()), "config.json");
    QVERIFY2(!spec, "opened, but was to be refused");
    QCOMPARE(spec.error().code, base::ErrorCode::BadInput);
    QCOMPARE(spec.error().file, std::string("config.json"));
    QCOMPARE(spec.error().field, field.toStdString());
}

void TestSpec::slotsSumToTheParameters_data() {
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<qlonglong>("parameters"); // as transformers counts them
    QTest::addColumn<int>("tensors");
    const auto fixture = [](const char* name) {
        return QByteArray::fromStdString(
            base::readFile(tests::dataFile("hf-config/" + std::string(name) + "/config.json"), 1 << 20)
                .value());
    };
    QTest::newRow("Llama 3 without a tie") << fixture("model_config_llama3") << 6721638400LL << 291;
    const Json qwen3_4b{{"model_type", "qwen3"},    {"vocab_size", 151936},
                        {"hidden_size", 2560},      {"intermediate_size", 9728},
                        {"num_hidden_layers", 36},  {"num_attention_heads", 32},
                        {"num_key_value_heads", 8}, {"tie_word_embeddings", true}};
    QTest::newRow("Qwen3-4B") << QByteArray::fromStdString(qwen3_4b.dump()) << 4022468096LL << 398;
    const Json stories{{"model_type", "llama"},    {"vocab_size", 512},          {"hidden_size", 64},
                       {"intermediate_size", 172}, {"num_hidden_layers", 5},     {"num_attention_heads", 8},
                       {"num_key_value_heads", 4}, {"tie_word_embeddings", true}};
    QTest::newRow("stories260K") << QByteArray::fromStdString(stories.dump()) << 260032LL << 47;
}

void TestSpec::slotsSumToTheParameters() {
    QFETCH(QByteArray, config);
    QFETCH(qlonglong, parameters);
    QFETCH(int, tensors);
    const auto spec = models::parseSpec(Json::parse(config.toStdString()), "config.json");
    FAIRY2_OK(spec);
    QCOMPARE(spec->parameters(), parameters);
    const auto table = models::tensorSlots(*spec);
    QCOMPARE(int(table.size()), tensors);
    qlonglong sum = 0;
    std::set<std::string> names;
    for (const auto& slot : table) {
        qlonglong product = 1;
        for (const auto dimension : slot.shape)
            product *= dimension;
        sum += product;
        names.insert(slot.name);
        QCOMPARE(slot.linear, slot.shape.size() == 2 && slot.name != "model.embed_tokens.weight");
    }
    QCOMPARE(sum, parameters);
    QCOMPARE(int(names.size()), tensors);
}

void TestSpec::llama3FrequenciesMatchTransformers() {
    auto config = smallLlama();
    config["head_dim"] = 128;
    config["rope_theta"] = 500000.0;
    config["rope_scaling"] = llama3Scaling();
    const auto spec = models::parseSpec(config, "config.json");
    FAIRY2_OK(spec);
    const auto frequencies = models::ropeInverseFrequencies(*spec);
    QCOMPARE(frequencies.size(), std::size_t(64));
    // modeling_rope_utils._compute_llama3_parameters carried out in double.
    const std::pair<std::size_t, double> expected[] = {
        {0, 1.0},
        {1, 0.8146172338565447},
        {28, 0.0032114459947525913}, // short wave: unchanged
        {29, 0.002166570763503359},  // blended from here …
        {32, 0.0005248461609929547},
        {34, 0.00017850781276799638}, // … to here
        {35, 9.556212353964683e-05},  // long wave: divided by the factor
        {63, 3.068925988914511e-07},
    };
    for (const auto& [index, value] : expected)
        QVERIFY2(std::abs(frequencies[index] - value) <= 1e-14 * value, std::to_string(index).c_str());
}

void TestSpec::plainFrequenciesFallGeometrically() {
    const auto spec = models::parseSpec(smallLlama(), "config.json");
    FAIRY2_OK(spec);
    const auto frequencies = models::ropeInverseFrequencies(*spec);
    QCOMPARE(frequencies.size(), std::size_t(8));
    QCOMPARE(frequencies[0], 1.0);
    QVERIFY(std::abs(frequencies[4] - 0.01) < 1e-16); // 10000^(−8/16)
}

QTEST_APPLESS_MAIN(TestSpec)
#include "tst_spec.moc"
