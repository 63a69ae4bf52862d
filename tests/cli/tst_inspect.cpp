// SPDX-License-Identifier: Apache-2.0
#include "command.h"
#include "tinymodel.h"

#include <QTemporaryDir>

using namespace fairy2;
using base::Json;
using base::Path;

class TestInspect : public QObject {
    Q_OBJECT
private slots:
    void describesTheBundledModel();
    void describesItForPeople();
    void listsOddDimensions();
    void saysWhichTokenizerIsThere();
    void refusesBadInput_data();
    void refusesBadInput();
    void refusesRealBadInput_data();
    void refusesRealBadInput();
    void refusesBadUsage();
    void helpHasAnExample();
};

namespace {

Path bundledModel() {
    return Path(tests::environment("FAIRY2_SOURCE")) / "resources" / "demo" / "stories260K";
}

const Json* linearCalled(const Json& document, const std::string& name) {
    for (const auto& linear : document["linears"])
        if (linear["name"] == name) return &linear;
    return nullptr;
}

} // namespace

void TestInspect::describesTheBundledModel() {
    const auto result = tests::fairy2({"inspect", QString::fromStdString(bundledModel().string()), "--json"});
    QCOMPARE(result.exitCode, 0);
    QCOMPARE(result.errors, std::string());
    const auto document = Json::parse(result.output);
    QCOMPARE(document["architecture"].get<std::string>(), std::string("LlamaForCausalLM"));
    QCOMPARE(document["parameters"].get<int>(), 260032);
    QCOMPARE(document["tied_embeddings"].get<bool>(), true);
    QCOMPARE(document["kind"].get<std::string>(), std::string("huggingface"));
    QCOMPARE(document["bytes"].get<int>(), 4 * 260032);
    QCOMPARE(document["bits_per_weight"].get<double>(), 32.0);
    QCOMPARE(document["spec"]["head_dim"].get<int>(), 8);
    QCOMPARE(document["tensors"].size(), std::size_t(47));
    const auto& embedding =
        *std::find_if(document["tensors"].begin(), document["tensors"].end(),
                      [](const auto& tensor) { return tensor["name"] == "model.embed_tokens.weight"; });
    QCOMPARE(embedding["dtype"].get<std::string>(), std::string("F32"));
    QVERIFY(embedding["shape"] == Json({512, 64}));
    QCOMPARE(document["linears"].size(), std::size_t(5 * 7 + 1));
    QVERIFY(linearCalled(document, "lm_head") != nullptr);
    const auto* down = linearCalled(document, "model.layers.4.mlp.down_proj");
    QVERIFY(down != nullptr);
    QCOMPARE((*down)["quantizable"].get<bool>(), true);
    QCOMPARE((*down)["reason"].get<std::string>(), std::string());

    // 35 linears of 45,312 weights a layer: one bit a stage, four fp32 scales a stage, the rest in F32 as it
    // is stored.
    const int weights = 5 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 172);
    for (int stages = 1; stages <= 3; ++stages) {
        const auto& mode = document["modes"][std::size_t(stages) - 1];
        QCOMPARE(mode["mode"].get<std::string>(), "w" + std::to_string(stages));
        QCOMPARE(mode["quantized_linears"].get<int>(), 35);
        const double bits = stages * (1 + 35 * 4 * 32.0 / weights);
        QVERIFY(std::abs(mode["bits_per_weight"].get<double>() - bits) <
                0.03 * stages); // codes end on 64 bytes
        const double bytes = weights * bits / 8 + 4.0 * (260032 - weights);
        QVERIFY(std::abs(mode["bytes"].get<double>() - bytes) < 35 * 64);
    }
}

void TestInspect::describesItForPeople() {
    const auto result = tests::fairy2({"inspect", QString::fromStdString(bundledModel().string())});
    QCOMPARE(result.exitCode, 0);
    for (const char* text : {"stories260K", "LlamaForCausalLM, 5 layers", "260,032", "1.0 MB F32", "W2",
                             "model.layers.*.mlp.down_proj", "36 of 36 quantisable", "BPE (tokenizer.json)"})
        QVERIFY2(result.output.find(text) != std::string::npos, text);
}

void TestInspect::listsOddDimensions() {
    QTemporaryDir directory;
    const Path folder = directory.path().toStdString();
    auto config = tests::tinyConfig();
    config["intermediate_size"] = 173;
    FAIRY2_OK(tests::writeTinyModel(folder, config));
    const auto result = tests::fairy2({"inspect", QString::fromStdString(folder.string()), "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto document = Json::parse(result.output);
    const std::pair<const char*, const char*> expected[] = {
        {"model.layers.1.mlp.up_proj", "odd number of rows: 173"},
        {"model.layers.0.mlp.down_proj", "odd number of columns: 173"}};
    for (const auto& [name, reason] : expected) {
        const auto* linear = linearCalled(document, name);
        QVERIFY(linear != nullptr);
        QCOMPARE((*linear)["quantizable"].get<bool>(), false);
        QCOMPARE((*linear)["reason"].get<std::string>(), std::string(reason));
    }
    QCOMPARE(document["modes"][0]["quantized_linears"].get<int>(), 8);
    const auto text = tests::fairy2({"inspect", QString::fromStdString(folder.string())}).output;
    QVERIFY2(text.find("no: odd number of columns: 173") != std::string::npos, text.c_str());
}

void TestInspect::saysWhichTokenizerIsThere() {
    QTemporaryDir directory;
    const Path folder = directory.path().toStdString();
    FAIRY2_OK(tests::writeTinyModel(folder));
    const auto kind = [&] {
        const auto document =
            Json::parse(tests::fairy2({"inspect", QString::fromStdString(folder.string()), "--json"}).output);
        return document["tokenizer"]["kind"].get<std::string>();
    };
    QCOMPARE(kind(), std::string());
    tests::writeText(folder / "tokenizer.model", "x");
    QCOMPARE(kind(), std::string("SentencePiece"));
    tests::writeText(folder / "vocab.json", "{}");
    tests::writeText(folder / "merges.txt", "");
    QCOMPARE(kind(), std::string("BPE"));
    tests::writeText(
        folder / "tokenizer.json",
        R"({"type": "no", "decoder": {"type": "x"}, "model": {"type": "Unigram", "vocab": []}})");
    QCOMPARE(kind(), std::string("Unigram"));
    tests::writeText(folder / "tokenizer.json", R"({"model": {"vocab": {"a": 1}, "merges": []}})");
    QCOMPARE(kind(), std::string("BPE"));
    tests::writeText(folder / "tokenizer.json", "{\"model\": " + std::string(100000, '['));
    QCOMPARE(kind(), std::string("unknown"));
}

void TestInspect::refusesBadInput_data() {
    using Spoil = std::function<void(const Path&)>;
    QTest::addColumn<Spoil>("spoil");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("file"); // in the folder
    QTest::addColumn<QByteArray>("field");
    const auto row = [](const char* title, const char* code, const char* file, const char* field,
                        const Spoil& spoil) {
        QTest::newRow(title) << spoil << QByteArray(code) << QByteArray(file) << QByteArray(field);
    };
    row("truncated safetensors", "bad_input", "/model.safetensors", "model.norm.weight",
        [](const Path& folder) {
            std::filesystem::resize_file(folder / "model.safetensors",
                                         std::filesystem::file_size(folder / "model.safetensors") - 1);
        });
    row("header cut", "bad_input", "/model.safetensors", "",
        [](const Path& folder) { std::filesystem::resize_file(folder / "model.safetensors", 100); });
    row("empty weights", "bad_input", "/model.safetensors", "",
        [](const Path& folder) { tests::writeText(folder / "model.safetensors", ""); });
    row("no config", "not_found", "/config.json", "",
        [](const Path& folder) { std::filesystem::remove(folder / "config.json"); });
    row("no weights", "not_found", "", "",
        [](const Path& folder) { std::filesystem::remove(folder / "model.safetensors"); });
    row("broken config", "bad_input", "/config.json", "",
        [](const Path& folder) { tests::writeText(folder / "config.json", "{"); });
    row("another family", "bad_input", "/config.json", "model_type",
        [](const Path& folder) { tests::writeText(folder / "config.json", R"({"model_type": "mamba"})"); });
    row("a pickle instead", "bad_input", "/pytorch_model.bin", "", [](const Path& folder) {
        std::filesystem::rename(folder / "model.safetensors", folder / "pytorch_model.bin");
    });
}

void TestInspect::refusesBadInput() {
    using Spoil = std::function<void(const Path&)>;
    QFETCH(Spoil, spoil);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, file);
    QFETCH(QByteArray, field);
    QTemporaryDir directory;
    const Path folder = directory.path().toStdString();
    FAIRY2_OK(tests::writeTinyModel(folder));
    spoil(folder);
    const auto result = tests::fairy2({"inspect", QString::fromStdString(folder.string()), "--json"});
    QCOMPARE(result.exitCode, 3);
    const auto error = Json::parse(result.output).at("error");
    QCOMPARE(error.size(), std::size_t(5));
    QCOMPARE(error["code"].get<std::string>(), code.toStdString());
    QCOMPARE(error["file"].get<std::string>(), folder.string() + file.toStdString());
    QCOMPARE(error["field"].get<std::string>(), field.toStdString());
    QVERIFY(!error["message"].get<std::string>().empty());

    const auto forPeople = tests::fairy2({"inspect", QString::fromStdString(folder.string())});
    QCOMPARE(forPeople.exitCode, 3);
    QCOMPARE(forPeople.output, std::string());
    QVERIFY(forPeople.errors.rfind("fairy2: " + folder.string(), 0) == 0);
}

void TestInspect::refusesRealBadInput_data() {
    QTest::addColumn<QByteArray>("field");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("models/llama2xs-ckpt/ckpt.pt") << QByteArray() << QByteArray("pickle");
    QTest::newRow("models/tiny-hf-random/tiny_llama3_tied")
        << QByteArray("quantization") << QByteArray("MLX in 4 bits");
    QTest::newRow("models/tiny-hf-random/tiny_qwen3_tied")
        << QByteArray("quantization") << QByteArray("MLX in 4 bits");
    QTest::newRow("models/tiny-hf-random/tiny_qwen3_sharded")
        << QByteArray("quantization") << QByteArray("MLX in 4 bits");
    QTest::newRow("tokenizers/qwen3-4b-base") << QByteArray() << QByteArray("No such file");
}

void TestInspect::refusesRealBadInput() {
    QFETCH(QByteArray, field);
    QFETCH(QByteArray, says);
    const auto path = tests::realFile(QTest::currentDataTag());
    if (path.empty()) QSKIP("needs the real data: set FAIRY2_REALDATA");
    const auto result = tests::fairy2({"inspect", QString::fromStdString(path.string()), "--json"});
    QCOMPARE(result.exitCode, 3);
    const auto error = Json::parse(result.output).at("error");
    QCOMPARE(error["field"].get<std::string>(), field.toStdString());
    QVERIFY2(error["message"].get<std::string>().find(says.toStdString()) != std::string::npos,
             result.output.c_str());
    QVERIFY(error["file"].get<std::string>().rfind(path.string(), 0) == 0);
}

void TestInspect::refusesBadUsage() {
    for (const auto& arguments :
         {QStringList{"inspect"}, QStringList{"inspect", "a", "b"}, QStringList{"inspect", "a", "--nothing"}})
        QCOMPARE(tests::fairy2(arguments).exitCode, 2);
    const auto result = tests::fairy2({"inspect", "--json"});
    QCOMPARE(result.exitCode, 2);
    QCOMPARE(Json::parse(result.output)["error"]["code"].get<std::string>(), std::string("usage"));
}

void TestInspect::helpHasAnExample() {
    const auto result = tests::fairy2({"inspect", "--help"});
    QCOMPARE(result.exitCode, 0);
    QVERIFY(result.output.find("fairy2 inspect ") != std::string::npos);
}

QTEST_GUILESS_MAIN(TestInspect)
#include "tst_inspect.moc"
