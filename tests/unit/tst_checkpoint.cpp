// SPDX-License-Identifier: Apache-2.0
#include "base/threads.h"
#include "models/checkpoint.h"
#include "models/location.h"
#include "tinymodel.h"

#include <QTemporaryDir>
#include <cstring>
#include <set>
#include <thread>

using namespace fairy2;
using base::Json;
using base::Path;
using models::Checkpoint;
using models::CheckpointKind;
using tests::TinyTensor;

class TestCheckpoint : public QObject {
    Q_OBJECT
private slots:
    void opensByFolderFileAndName();
    void opensFloatTypes_data();
    void opensFloatTypes();
    void readsTheTiedHeadFromTheEmbedding();
    void listsLinearsWithTheirReason();
    void opensRealModels_data();
    void opensRealModels();
    void opensShards();
    void refusesSpoiledModels_data();
    void refusesSpoiledModels();
    void refusesBadIndexes_data();
    void refusesBadIndexes();
    void acceptsHarmlessExtras();
    void refusesPickles_data();
    void refusesPickles();
    void aHeaderLengthLikeAPickleIsNoPickle();
    void refusesForeignQuantization_data();
    void refusesForeignQuantization();
    void readsTheMarkerOfOurCheckpoints();
    void refusesBadMarkers_data();
    void refusesBadMarkers();
    void generationConfigDecidesEos();
    void contentHashKnowsContent();
    void contentHashIsTheSameFromManyThreads();
    void aFileCutShortIsNoticed();
    void storedBitsAreCounted();

private:
    Path folder(const char* name = "m") const { return Path(m_directory->path().toStdString()) / name; }
    std::unique_ptr<QTemporaryDir> m_directory;
private slots:
    void init() { m_directory = std::make_unique<QTemporaryDir>(); }
};

namespace {

TinyTensor& find(std::vector<TinyTensor>& list, const std::string& name) {
    return *std::find_if(list.begin(), list.end(),
                         [&](const auto& each) { return each.declaration.name == name; });
}

void remove(std::vector<TinyTensor>& list, const std::string& name) {
    std::erase_if(list, [&](const auto& each) { return each.declaration.name == name; });
}

Json untied() {
    auto config = tests::tinyConfig();
    config["tie_word_embeddings"] = false;
    return config;
}

// Spreads the tiny model over two shards, alternating, and returns its index.
Json writeShards(const Path& folder) {
    const auto config = tests::tinyConfig();
    tests::writeText(folder / "config.json", config.dump());
    std::vector<TinyTensor> halves[2];
    Json map = Json::object();
    int which = 1; // model.norm.weight, the last of an even number, comes into the second shard
    for (auto& tensor : tests::tinyTensors(config)) {
        which = 1 - which;
        map[tensor.declaration.name] =
            which == 0 ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
        halves[which].push_back(std::move(tensor));
    }
    (void)tests::writeTensors(folder / "model-00001-of-00002.safetensors", halves[0]);
    (void)tests::writeTensors(folder / "model-00002-of-00002.safetensors", halves[1]);
    const Json index{{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
    tests::writeText(folder / "model.safetensors.index.json", index.dump());
    return index;
}

} // namespace

void TestCheckpoint::opensByFolderFileAndName() {
    const std::string commit(40, 'a');
    const auto cached = folder() / "models--org--tiny" / "snapshots" / commit;
    FAIRY2_OK(tests::writeTinyModel(cached));
    tests::writeText(folder() / "models--org--tiny" / "refs" / "main", commit);
    qputenv("HF_HUB_CACHE", folder().c_str());
    qputenv("HOME", folder().c_str());
    for (const auto& name : {cached.string(), cached.string() + "/", (cached / "config.json").string(),
                             (cached / "model.safetensors").string(), std::string("org/tiny"),
                             "org/tiny@" + commit, "~/models--org--tiny/snapshots/" + commit}) {
        const auto model = Checkpoint::open(name);
        FAIRY2_OK(model);
        QVERIFY2((*model)->displayName().rfind("org/tiny", 0) == 0, (*model)->displayName().c_str());
        QVERIFY((*model)->kind() == CheckpointKind::HuggingFace);
        QCOMPARE((*model)->spec().hiddenSize, 16);
        QVERIFY(!(*model)->recipe().forLayer("model.layers.0.mlp.up_proj").quantizes());
    }
    const auto step = folder("run") / "checkpoints" / "step-20";
    FAIRY2_OK(tests::writeTinyModel(step));
    QCOMPARE(Checkpoint::open(step.string()).value()->displayName(), std::string("run/step-20"));

    for (const auto& name :
         {std::string(), std::string("org/other"), std::string("/no/such/folder"), std::string("nothing")}) {
        const auto model = Checkpoint::open(name);
        QVERIFY2(!model, name.c_str());
        QCOMPARE(base::exitCode(model.error().code), 3);
        QVERIFY(!model.error().hint.empty());
    }
}

void TestCheckpoint::opensFloatTypes_data() {
    QTest::addColumn<int>("type");
    QTest::addColumn<double>("error"); // relative, from rounding to the type
    QTest::newRow("F32") << int(tensors::DType::F32) << 0.0;
    QTest::newRow("BF16") << int(tensors::DType::BF16) << 0x1p-8;
    QTest::newRow("F16") << int(tensors::DType::F16) << 0x1p-10;
    QTest::newRow("F64") << int(tensors::DType::F64) << 0.0;
}

void TestCheckpoint::opensFloatTypes() {
    QFETCH(int, type);
    QFETCH(double, error);
    const auto dtype = tensors::DType(type);
    const std::string name = "model.layers.1.mlp.down_proj.weight";
    std::vector<float> original;
    FAIRY2_OK(tests::writeTinyModel(folder(), tests::tinyConfig(), [&](auto& list) {
        for (auto& tensor : list) {
            std::vector<float> values(tensor.bytes.size() / 4);
            std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
            if (tensor.declaration.name == name) original = values;
            tensor.declaration.dtype = dtype;
            tensor.bytes.clear();
            for (const float value : values) {
                const auto append = [&](const auto& stored) {
                    const auto bytes = std::as_bytes(std::span(&stored, 1));
                    tensor.bytes.insert(tensor.bytes.end(), bytes.begin(), bytes.end());
                };
                if (dtype == tensors::DType::F32)
                    append(value);
                else if (dtype == tensors::DType::F64)
                    append(double(value));
                else
                    append(dtype == tensors::DType::BF16 ? tensors::toBf16(value) : tensors::toF16(value));
            }
        }
    }));
    const auto model = Checkpoint::open(folder().string());
    FAIRY2_OK(model);
    const auto values = (*model)->readFloat(name);
    FAIRY2_OK(values);
    QCOMPARE(values->size(), std::size_t(16 * 20));
    for (std::size_t i = 0; i < values->size(); ++i)
        QVERIFY(std::abs((*values)[i] - original[i]) <= error * std::abs(original[i]));
    QVERIFY(!(*model)->readFloat("model.layers.2.mlp.down_proj.weight"));
    QVERIFY(!(*model)->readFloat(""));
}

void TestCheckpoint::readsTheTiedHeadFromTheEmbedding() {
    FAIRY2_OK(tests::writeTinyModel(folder("tied")));
    const auto tied = Checkpoint::open(folder("tied").string()).value();
    QVERIFY(tied->readFloat("lm_head.weight").value() ==
            tied->readFloat("model.embed_tokens.weight").value());
    QCOMPARE(tied->linears().back().name, std::string("lm_head"));

    FAIRY2_OK(tests::writeTinyModel(folder("untied"), untied()));
    const auto model = Checkpoint::open(folder("untied").string()).value();
    QVERIFY(model->readFloat("lm_head.weight").value() !=
            model->readFloat("model.embed_tokens.weight").value());
    QCOMPARE(model->linears().size(), tied->linears().size());
}

void TestCheckpoint::listsLinearsWithTheirReason() {
    auto config = tests::tinyConfig();
    config["intermediate_size"] = 173;
    config["vocab_size"] = 25;
    FAIRY2_OK(tests::writeTinyModel(folder(), config));
    const auto model = Checkpoint::open(folder().string()).value();
    QCOMPARE(model->linears().size(), std::size_t(2 * 7 + 1));
    std::map<std::string, std::string> reasons;
    for (const auto& linear : model->linears()) {
        QCOMPARE(linear.quantizable, linear.reason.empty());
        reasons[linear.name] = linear.reason;
    }
    QCOMPARE(reasons.at("model.layers.0.self_attn.q_proj"), std::string());
    QCOMPARE(reasons.at("model.layers.0.mlp.gate_proj"), std::string("odd number of rows: 173"));
    QCOMPARE(reasons.at("model.layers.1.mlp.down_proj"), std::string("odd number of columns: 173"));
    QCOMPARE(reasons.at("lm_head"), std::string("odd number of rows: 25"));
}

void TestCheckpoint::opensRealModels_data() {
    QTest::addColumn<QByteArray>("path");
    QTest::addColumn<qlonglong>("parameters");
    QTest::addColumn<int>("tensors");
    const auto row = [](const char* path, qlonglong parameters, int tensors) {
        QTest::newRow(path) << QByteArray("models/") + path << parameters << tensors;
    };
    row("stories260K", 260032, 47);
    row("stories260K-bf16", 260032, 47);
    row("stories260K-sharded", 260032, 47);
    row("llama2xs", 279232, 47);
    row("babyllama-tok105", 936448, 47);
    row("smollm2-mini-31m", 31463808, 74);
    row("tiny-hf-random/tiny_llama3", 0, 0);
    row("tiny-hf-random/tiny_qwen3", 0, 0);
    row("tiny-hf-random/made_llama3_rope_scaled", 155736, 21);
    row("tiny-hf-random/made_qwen3_tied", 0, 0);
}

void TestCheckpoint::opensRealModels() {
    QFETCH(QByteArray, path);
    QFETCH(qlonglong, parameters);
    QFETCH(int, tensors);
    const auto real = tests::realFile(path.toStdString());
    if (real.empty()) QSKIP("needs the real data: set FAIRY2_REALDATA");
    const auto model = Checkpoint::open(real.string());
    FAIRY2_OK(model);
    if (parameters > 0) QCOMPARE((*model)->spec().parameters(), parameters);
    if (tensors > 0) QCOMPARE(int((*model)->tensors().size()), tensors);
    std::int64_t stored = 0;
    for (const auto& tensor : (*model)->tensors())
        stored += tensor.elements();
    QCOMPARE(stored, (*model)->spec().parameters());
    QCOMPARE((*model)->contentHash().value().size(), std::size_t(64));
}

void TestCheckpoint::opensShards() {
    writeShards(folder("sharded"));
    FAIRY2_OK(tests::writeTinyModel(folder("whole")));
    const auto whole = Checkpoint::open(folder("whole").string()).value();
    for (const char* name : {"", "model.safetensors.index.json", "model-00002-of-00002.safetensors"}) {
        const auto sharded = Checkpoint::open((folder("sharded") / name).string());
        FAIRY2_OK(sharded);
        QCOMPARE((*sharded)->storedBytes(), whole->storedBytes());
        QCOMPARE((*sharded)->contentHash().value(), whole->contentHash().value());
        for (const auto& tensor : whole->tensors())
            QVERIFY((*sharded)->readFloat(tensor.name).value() == whole->readFloat(tensor.name).value());
    }
}

void TestCheckpoint::refusesSpoiledModels_data() {
    using Edit = std::function<void(std::vector<TinyTensor>&)>;
    QTest::addColumn<Edit>("edit");
    QTest::addColumn<Json>("config");
    QTest::addColumn<QByteArray>("field");
    QTest::addColumn<QByteArray>("says");
    const auto row = [](const char* title, const Json& config, const Edit& edit, const char* field,
                        const char* says) {
        QTest::newRow(title) << edit << config << QByteArray(field) << QByteArray(says);
    };
    const auto tied = tests::tinyConfig();
    row(
        "one tensor missing", tied, [](auto& list) { remove(list, "model.layers.1.mlp.up_proj.weight"); },
        "model.layers.1.mlp.up_proj.weight", "the tensor is missing");
    row(
        "a layer missing", tied,
        [](auto& list) {
            std::erase_if(list, [](const auto& each) {
                return each.declaration.name.rfind("model.layers.1.", 0) == 0;
            });
        },
        "model.layers.1.self_attn.q_proj.weight", "and 8 more");
    row(
        "untied head missing", untied(), [](auto& list) { remove(list, "lm_head.weight"); }, "lm_head.weight",
        "the tensor is missing");
    row(
        "extra tensor", tied,
        [](auto& list) {
            list.push_back({{"model.layers.0.self_attn.q_proj.bias", tensors::DType::F32, {1}},
                            std::vector<std::byte>(4)});
        },
        "model.layers.0.self_attn.q_proj.bias", "does not belong to a llama model");
    row(
        "a layer too many", tied,
        [](auto& list) {
            list.push_back(
                {{"model.layers.2.mlp.up_proj.weight", tensors::DType::F32, {1}}, std::vector<std::byte>(4)});
        },
        "model.layers.2.mlp.up_proj.weight", "does not belong");
    row(
        "wrong shape", tied,
        [](auto& list) {
            find(list, "model.norm.weight").declaration.shape = {4, 4};
        },
        "model.norm.weight", "its shape is [4, 4], but config.json makes it [16]");
    row(
        "transposed", tied,
        [](auto& list) {
            find(list, "model.layers.0.mlp.up_proj.weight").declaration.shape = {16, 20};
        },
        "model.layers.0.mlp.up_proj.weight", "its shape is [16, 20]");
    row(
        "integers", tied,
        [](auto& list) { find(list, "model.norm.weight").declaration.dtype = tensors::DType::I32; },
        "model.norm.weight", "its type is I32");
    row(
        "tied head that differs", tied,
        [](auto& list) {
            auto copy = find(list, "model.embed_tokens.weight");
            copy.declaration.name = "lm_head.weight";
            copy.bytes.back() ^= std::byte(1);
            list.push_back(copy);
        },
        "lm_head.weight", "ties the head");
}

void TestCheckpoint::refusesSpoiledModels() {
    using Edit = std::function<void(std::vector<TinyTensor>&)>;
    QFETCH(Edit, edit);
    QFETCH(Json, config);
    QFETCH(QByteArray, field);
    QFETCH(QByteArray, says);
    FAIRY2_OK(tests::writeTinyModel(folder(), config, edit));
    const auto model = Checkpoint::open(folder().string());
    QVERIFY(!model);
    QCOMPARE(model.error().code, base::ErrorCode::BadInput);
    QCOMPARE(model.error().file, (folder() / "model.safetensors").string());
    QCOMPARE(model.error().field, field.toStdString());
    QVERIFY2(QByteArray::fromStdString(model.error().message).contains(says), model.error().message.c_str());
    QVERIFY(!model.error().hint.empty());
}

void TestCheckpoint::refusesBadIndexes_data() {
    using Edit = std::function<void(Json&)>;
    QTest::addColumn<Edit>("edit");
    QTest::addColumn<QByteArray>("field");
    const auto row = [](const char* title, const Edit& edit, const char* field) {
        QTest::newRow(title) << edit << QByteArray(field);
    };
    const auto toShard = [](const char* shard) {
        return [shard](Json& index) { index["weight_map"]["model.norm.weight"] = shard; };
    };
    row("climbs out", toShard("../model-00001-of-00002.safetensors"), "model.norm.weight");
    row("absolute", toShard("/tmp/model.safetensors"), "model.norm.weight");
    row("below", toShard("sub/model.safetensors"), "model.norm.weight");
    row("drive", toShard("C:model.safetensors"), "model.norm.weight");
    row("backslash", toShard("..\\model.safetensors"), "model.norm.weight");
    row("hidden", toShard(".safetensors"), "model.norm.weight");
    row("pickle", toShard("pytorch_model.bin"), "model.norm.weight");
    row("line feed", toShard("a\n.safetensors"), "model.norm.weight");
    row(
        "number", [](Json& index) { index["weight_map"]["model.norm.weight"] = 3; }, "model.norm.weight");
    row("not there", toShard("model-00003-of-00002.safetensors"), "");
    row("wrong shard", toShard("model-00001-of-00002.safetensors"), "model.norm.weight");
    row(
        "unlisted tensor", [](Json& index) { index["weight_map"].erase("model.norm.weight"); },
        "model.norm.weight");
    row(
        "listed but nowhere",
        [](Json& index) { index["weight_map"]["model.ghost.weight"] = "model-00001-of-00002.safetensors"; },
        "model.ghost.weight");
    row(
        "no map", [](Json& index) { index.erase("weight_map"); }, "weight_map");
    row(
        "empty map", [](Json& index) { index["weight_map"] = Json::object(); }, "weight_map");
    row(
        "an array", [](Json& index) { index = Json::array(); }, "weight_map");
}

void TestCheckpoint::refusesBadIndexes() {
    using Edit = std::function<void(Json&)>;
    QFETCH(Edit, edit);
    QFETCH(QByteArray, field);
    auto index = writeShards(folder());
    edit(index);
    tests::writeText(folder() / "model.safetensors.index.json", index.dump());
    const auto model = Checkpoint::open(folder().string());
    QVERIFY(!model);
    QCOMPARE(base::exitCode(model.error().code), 3);
    QCOMPARE(model.error().field, field.toStdString());
    QVERIFY(model.error().file.rfind(folder().string(), 0) == 0);
}

void TestCheckpoint::acceptsHarmlessExtras() {
    FAIRY2_OK(tests::writeTinyModel(folder(), tests::tinyConfig(), [](auto& list) {
        auto head = find(list, "model.embed_tokens.weight");
        head.declaration.name = "lm_head.weight";
        list.push_back(head);
        list.push_back({{"model.layers.0.self_attn.rotary_emb.inv_freq", tensors::DType::F32, {2}},
                        std::vector<std::byte>(8)});
    }));
    FAIRY2_OK(tests::writeTinyModel(folder("plain")));
    const auto model = Checkpoint::open(folder().string());
    FAIRY2_OK(model);
    QCOMPARE((*model)->contentHash().value(),
             Checkpoint::open(folder("plain").string()).value()->contentHash().value());
}

void TestCheckpoint::refusesPickles_data() {
    QTest::addColumn<QByteArray>("name");
    QTest::addColumn<QByteArray>("content");
    const QByteArray zip("PK\x03\x04\x00\x00\x08\x08", 8);
    const QByteArray pickle("\x80\x02}q\x00.", 6);
    for (const char* name :
         {"pytorch_model.bin", "model.pt", "consolidated.00.pth", "last.ckpt", "state.pkl"})
        QTest::newRow(name) << QByteArray(name) << QByteArray("anything");
    QTest::newRow("zip called safetensors") << QByteArray("model.safetensors") << zip;
    QTest::newRow("pickle called safetensors") << QByteArray("model.safetensors") << pickle;
    QTest::newRow("newest protocol") << QByteArray("model.safetensors") << QByteArray("\x80\x05\x95\x00", 4);
}

void TestCheckpoint::refusesPickles() {
    QFETCH(QByteArray, name);
    QFETCH(QByteArray, content);
    tests::writeText(folder() / "config.json", tests::tinyConfig().dump());
    tests::writeText(folder() / name.toStdString(), content.toStdString());
    // By the file itself, and by the folder that has no other weights.
    for (const auto& path : {folder() / name.toStdString(), folder()}) {
        const auto model = Checkpoint::open(path.string());
        QVERIFY(!model);
        QCOMPARE(model.error().code, base::ErrorCode::BadInput);
        QCOMPARE(model.error().file, (folder() / name.toStdString()).string());
        QVERIFY2(model.error().message.find("pickle") != std::string::npos, model.error().message.c_str());
        QVERIFY2(model.error().hint.find("safetensors") != std::string::npos, model.error().hint.c_str());
    }
}

void TestCheckpoint::aHeaderLengthLikeAPickleIsNoPickle() {
    for (const std::uint64_t length : {0x0280ULL, 0x0380ULL, 0x0480ULL, 0x0580ULL}) {
        std::string bytes(8, '\0');
        std::memcpy(bytes.data(), &length, sizeof length);
        bytes += "{}" + std::string(length - 2, ' ');
        tests::writeText(folder() / "a.safetensors", bytes);
        FAIRY2_OK(tensors::SafetensorsFile::open(folder() / "a.safetensors"));
        FAIRY2_OK(models::refusePickle(folder() / "a.safetensors"));
    }
}

void TestCheckpoint::refusesForeignQuantization_data() {
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<Json>("value");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("MLX") << QByteArray("quantization") << Json{{"bits", 4}, {"group_size", 32}}
                         << QByteArray("MLX in 4 bits");
    QTest::newRow("GPTQ") << QByteArray("quantization_config") << Json{{"quant_method", "gptq"}, {"bits", 4}}
                          << QByteArray("gptq in 4 bits");
    QTest::newRow("BitNet") << QByteArray("quantization_config") << Json{{"quant_method", "bitnet"}}
                            << QByteArray("bitnet");
    QTest::newRow("no name") << QByteArray("quantization_config") << Json::object()
                             << QByteArray("an unnamed method");
    QTest::newRow("no object") << QByteArray("quantization_config") << Json(true)
                               << QByteArray("an unnamed method");
    QTest::newRow("ours without its marker")
        << QByteArray("quantization_config") << Json{{"quant_method", "fairy2i"}}
        << QByteArray("fairy2.json is missing");
}

void TestCheckpoint::refusesForeignQuantization() {
    QFETCH(QByteArray, key);
    QFETCH(Json, value);
    QFETCH(QByteArray, says);
    auto config = tests::tinyConfig();
    config[key.toStdString()] = nullptr;
    FAIRY2_OK(tests::writeTinyModel(folder(), config));
    FAIRY2_OK(Checkpoint::open(folder().string()));
    config[key.toStdString()] = value;
    tests::writeText(folder() / "config.json", config.dump());
    const auto model = Checkpoint::open(folder().string());
    QVERIFY(!model);
    QCOMPARE(model.error().code, base::ErrorCode::BadInput);
    QCOMPARE(model.error().field, key.toStdString());
    QVERIFY2(QByteArray::fromStdString(model.error().message).contains(says), model.error().message.c_str());
}

void TestCheckpoint::readsTheMarkerOfOurCheckpoints() {
    quant::ModelRecipe recipe;
    recipe.defaults.stages = 1;
    recipe.quantizeLmHead = true;
    FAIRY2_OK(tests::writeTinyModel(folder()));
    const auto plainHash = Checkpoint::open(folder().string()).value()->contentHash().value();
    for (const char* kind : {"master", "baked"}) {
        tests::writeText(
            folder() / "fairy2.json",
            Json{{"format", 1}, {"kind", kind}, {"recipe", recipe.toJson()}, {"step", 20}}.dump());
        const auto model = Checkpoint::open(folder().string());
        FAIRY2_OK(model);
        QCOMPARE(std::string(name((*model)->kind())), std::string(kind));
        QCOMPARE((*model)->recipe().forLayer("model.layers.0.mlp.up_proj").stages, 1);
        QVERIFY((*model)->contentHash().value() != plainHash);
        const bool baked = (*model)->kind() == CheckpointKind::Baked;
        for (const auto& linear : (*model)->linears())
            QCOMPARE(linear.reason, std::string(baked ? "already quantised" : ""));
    }
}

void TestCheckpoint::refusesBadMarkers_data() {
    QTest::addColumn<QByteArray>("marker");
    QTest::addColumn<QByteArray>("field");
    const auto row = [](const char* marker, const char* field) {
        QTest::newRow(marker) << QByteArray(marker) << QByteArray(field);
    };
    row("[]", "format");
    row("{", "");
    row(R"({"kind": "master", "recipe": {}})", "format");
    row(R"({"format": "1", "kind": "master", "recipe": {}})", "format");
    row(R"({"format": 2, "kind": "master", "recipe": {}})", "format");
    row(R"({"format": 1, "recipe": {}})", "kind");
    row(R"({"format": 1, "kind": "huggingface", "recipe": {}})", "kind");
    row(R"({"format": 1, "kind": "master"})", "recipe");
    row(R"({"format": 1, "kind": "master", "recipe": {"stages": 9}})", "stages");
}

void TestCheckpoint::refusesBadMarkers() {
    QFETCH(QByteArray, marker);
    QFETCH(QByteArray, field);
    FAIRY2_OK(tests::writeTinyModel(folder()));
    tests::writeText(folder() / "fairy2.json", marker.toStdString());
    const auto model = Checkpoint::open(folder().string());
    QVERIFY(!model);
    QCOMPARE(model.error().code, base::ErrorCode::BadInput);
    QCOMPARE(model.error().file, (folder() / "fairy2.json").string());
    QCOMPARE(model.error().field, field.toStdString());
}

void TestCheckpoint::generationConfigDecidesEos() {
    FAIRY2_OK(tests::writeTinyModel(folder()));
    QVERIFY((Checkpoint::open(folder().string()).value()->spec().eosIds == std::vector<std::int64_t>{2}));
    tests::writeText(folder() / "generation_config.json", R"({"eos_token_id": [5, 7], "temperature": 0.7})");
    QVERIFY((Checkpoint::open(folder().string()).value()->spec().eosIds == std::vector<std::int64_t>{5, 7}));
    tests::writeText(folder() / "generation_config.json", R"({"eos_token_id": "x"})");
    const auto model = Checkpoint::open(folder().string());
    QVERIFY(!model);
    QCOMPARE(model.error().file, (folder() / "generation_config.json").string());
}

void TestCheckpoint::contentHashKnowsContent() {
    std::set<std::string> hashes;
    const auto add = [&](const Json& config, const std::function<void(std::vector<TinyTensor>&)>& edit = {}) {
        QTemporaryDir directory;
        const Path path = directory.path().toStdString();
        (void)tests::writeTinyModel(path, config, edit);
        const auto hash = Checkpoint::open(path.string()).value()->contentHash().value();
        const bool isNew = hashes.insert(hash).second;
        return isNew;
    };
    const auto config = tests::tinyConfig();
    QVERIFY(add(config));
    QVERIFY(!add(config));
    auto other = config;
    other["torch_dtype"] = "bfloat16"; // decides nothing
    other["eos_token_id"] = 3;
    QVERIFY(!add(other));
    other["rope_theta"] = 20000;
    QVERIFY(add(other));
    QVERIFY(add(config, [](auto& list) { find(list, "model.norm.weight").bytes[5] ^= std::byte(1); }));
    QVERIFY(add(config, [](auto& list) {
        std::swap(find(list, "model.layers.0.mlp.gate_proj.weight").bytes,
                  find(list, "model.layers.0.mlp.up_proj.weight").bytes);
    }));
    QVERIFY(
        !add(config, [](auto& list) { std::swap(list.front(), list.back()); })); // only the order in the file
}

void TestCheckpoint::contentHashIsTheSameFromManyThreads() {
    FAIRY2_OK(tests::writeTinyModel(folder()));
    const auto model = Checkpoint::open(folder().string()).value();
    std::vector<std::string> hashes(8);
    {
        std::vector<std::jthread> threads;
        for (auto& hash : hashes)
            threads.emplace_back([&] { hash = model->contentHash().value_or(""); });
    }
    for (const auto& hash : hashes)
        QCOMPARE(hash, hashes.front());
    QCOMPARE(hashes.front().size(), std::size_t(64));
}

void TestCheckpoint::aFileCutShortIsNoticed() {
    FAIRY2_OK(tests::writeTinyModel(folder()));
    const auto model = Checkpoint::open(folder().string()).value();
    std::filesystem::resize_file(folder() / "model.safetensors", 3000);
    const auto values = model->readFloat("model.norm.weight");
    QVERIFY(!values);
    QCOMPARE(values.error().field, std::string("model.norm.weight"));
    QVERIFY(!model->contentHash());
    // A new file under the name leaves the mapped one as it was.
    FAIRY2_OK(tests::writeTinyModel(folder("other")));
    const auto second = Checkpoint::open(folder("other").string()).value();
    FAIRY2_OK(base::writeFileAtomically(folder("other") / "model.safetensors", "short"));
    FAIRY2_OK(second->readFloat("model.norm.weight"));
}

void TestCheckpoint::storedBitsAreCounted() {
    FAIRY2_OK(tests::writeTinyModel(folder()));
    const auto model = Checkpoint::open(folder().string()).value();
    QCOMPARE(model->storedBytes(), std::uint64_t(4 * model->spec().parameters()));
    QCOMPARE(model->storedBitsPerWeight(), 32.0);
}

QTEST_APPLESS_MAIN(TestCheckpoint)
#include "tst_checkpoint.moc"
