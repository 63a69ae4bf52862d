// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"
#include "models/checkpoint.h"
#include "pack/exporter.h"
#include "pack/packedcheckpoint.h"
#include "testdata.h"
#include "tinymodel.h"

#include <QTemporaryDir>
#include <fstream>

using namespace fairy2;
using pack::ExportOptions;
using pack::Format;
using quant::ModelRecipe;
using quant::ScaleGranularity;

class TestExporter : public QObject {
    Q_OBJECT
private slots:
    void packedAndBakedAreTheSameNumbers_data();
    void packedAndBakedAreTheSameNumbers();
    void packedFileHasTheSizeThatItsShapesSay();
    void codesStartOnAMultipleOf64();
    void denseTensorsKeepTheirType();
    void bakedHalvesRound();
    void tiedHeadGetsWeightsOfItsOwn();
    void oddLayersStayDenseAndAreListed();
    void rulesDecideLayerByLayer();
    void packedSourceCanBeBaked();
    void nothingIsQuantisedTwice_data();
    void nothingIsQuantisedTwice();
    void aRecipeThatQuantisesNothingIsRefused();
    void configTellsUnawareLoadersToStop();
    void markerNamesTheSourceAndHashesTheFile();
    void companionsAreCopied();
    void existingTargetsAreRefused();
    void overwritingReplacesAModelOnly();
    void cancelLeavesNothing();
    void damagedWeightsLeaveNothing();
    void damagedPackedFilesAreRefused_data();
    void damagedPackedFilesAreRefused();
    void flippedBitIsFoundWhenItIsRead();
    void formatsAreParsed();
    void realModelPacksWithinTwoPercent();
};

namespace {

namespace fs = std::filesystem;

struct Folder {
    QTemporaryDir directory;
    [[nodiscard]] base::Path operator/(const std::string& name) const {
        return base::Path(directory.path().toStdString()) / name;
    }
    [[nodiscard]] std::size_t entries() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& each : fs::directory_iterator(directory.path().toStdString()))
            ++count;
        return count;
    }
};

base::Path demo() {
    return base::Path(tests::environment("FAIRY2_SOURCE")) / "resources/demo/stories260K";
}

std::shared_ptr<const models::Checkpoint> opened(const base::Path& path) {
    auto checkpoint = models::Checkpoint::open(path.string());
    if (!checkpoint) qFatal("%s", checkpoint.error().sentence().c_str());
    return *checkpoint;
}

ModelRecipe recipe(int stages, ScaleGranularity scale = ScaleGranularity::Tensor) {
    ModelRecipe result;
    result.defaults = {stages, scale, false};
    return result;
}

ExportOptions as(Format format, const ModelRecipe& how) {
    ExportOptions options;
    options.format = format;
    options.recipe = how;
    return options;
}

std::uint64_t denseBytes(const models::Checkpoint& checkpoint) {
    std::uint64_t bytes = 0;
    for (const auto& tensor : checkpoint.tensors())
        if (!tensor.name.ends_with(".codes") && !tensor.name.ends_with(".scales")) bytes += tensor.bytes;
    return bytes;
}

} // namespace

void TestExporter::packedAndBakedAreTheSameNumbers_data() {
    QTest::addColumn<int>("stages");
    QTest::addColumn<int>("scale");
    for (const int stages : {1, 2, 4})
        for (const auto scale : {ScaleGranularity::Tensor, ScaleGranularity::Row, ScaleGranularity::Tile64})
            QTest::addRow("%d %s", stages, quant::name(scale)) << stages << static_cast<int>(scale);
}

void TestExporter::packedAndBakedAreTheSameNumbers() {
    QFETCH(int, stages);
    QFETCH(int, scale);
    const Folder out;
    const auto source = opened(demo());
    const auto how = recipe(stages, static_cast<ScaleGranularity>(scale));
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "packed", as(Format::Packed, how)));
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "baked", as(Format::Baked, how)));
    QCOMPARE(out.entries(), std::size_t{2});
    const auto packed = opened(out / "packed");
    const auto baked = opened(out / "baked");
    QCOMPARE(packed->kind(), models::CheckpointKind::Packed);
    QCOMPARE(baked->kind(), models::CheckpointKind::Baked);
    QVERIFY(packed->recipe().toJson() == how.toJson());
    for (const auto& slot : models::tensorSlots(source->spec())) {
        const auto a = packed->readFloat(slot.name);
        FAIRY2_OK(a);
        const auto b = baked->readFloat(slot.name);
        FAIRY2_OK(b);
        QVERIFY(*a == *b);
        const auto original = source->readFloat(slot.name).value();
        if (!slot.linear) {
            QVERIFY(*a == original);
            continue;
        }
        auto matrix = quant::quantize({original.data(), slot.shape[0], slot.shape[1]}, how.defaults).value();
        matrix = pack::withStoredScales(std::move(matrix)).value();
        QVERIFY(*a == quant::dequantize(matrix));
    }
    for (const auto& linear : packed->linears())
        QCOMPARE(linear.quantizable, linear.name == "lm_head");
    QVERIFY(packed->storedBytes() < source->storedBytes());
}

void TestExporter::packedFileHasTheSizeThatItsShapesSay() {
    const Folder out;
    const auto source = opened(demo());
    const auto report =
        pack::exportCheckpoint(*source, out / "p", as(Format::Packed, recipe(2, ScaleGranularity::Row)));
    FAIRY2_OK(report);
    const auto packed = opened(out / "p");
    QCOMPARE(report->bytes, fs::file_size(out / "p" / pack::kPackedFile));
    QCOMPARE(report->expectedBytes, packed->storedBytes());
    QVERIFY(report->bytes > report->expectedBytes);
    QCOMPARE(report->quantizedLayers, 35);
    QVERIFY(report->skipped.empty());
    // Two stages are two bits of codes; row scales of layers this small cost more than they do of large ones.
    QVERIFY(report->bitsPerWeight > 2 && report->bitsPerWeight < 5);
    QVERIFY(std::abs(packed->storedBitsPerWeight() - report->bitsPerWeight) < 1e-9);
    QCOMPARE(report->contentHash, packed->contentHash().value());
    QVERIFY(report->contentHash != source->contentHash().value());
    QVERIFY(denseBytes(*packed) + 35 * 64 < source->storedBytes());
}

void TestExporter::codesStartOnAMultipleOf64() {
    const Folder out;
    FAIRY2_OK(pack::exportCheckpoint(*opened(demo()), out / "p", as(Format::Packed, recipe(1))));
    int seen = 0;
    const auto packed = opened(out / "p");
    for (const auto& tensor : packed->tensors()) {
        if (!tensor.name.ends_with(".codes")) continue;
        QCOMPARE(tensor.offset % 64, std::uint64_t{0});
        ++seen;
    }
    QCOMPARE(seen, 35);
}

void TestExporter::denseTensorsKeepTheirType() {
    const Folder out;
    const auto source = opened(demo());
    auto options = as(Format::Packed, recipe(2));
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "kept", options));
    options.denseType = tensors::DType::BF16;
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "halved", options));
    const auto kept = opened(out / "kept");
    const auto halved = opened(out / "halved");
    QCOMPARE(denseBytes(*halved) * 2, denseBytes(*kept));
    const char* norm = "model.norm.weight";
    QVERIFY(kept->readFloat(norm).value() == source->readFloat(norm).value());
    const auto exact = source->readFloat(norm).value();
    const auto rounded = halved->readFloat(norm).value();
    for (std::size_t i = 0; i < exact.size(); ++i)
        QCOMPARE(rounded[i], tensors::toFloat(tensors::toBf16(exact[i]), tensors::DType::BF16));
}

void TestExporter::bakedHalvesRound() {
    const Folder out;
    const auto source = opened(demo());
    auto options = as(Format::Baked, recipe(1));
    options.bakedType = tensors::DType::BF16;
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "b", options));
    const auto baked = opened(out / "b");
    const std::string name = "model.layers.0.mlp.up_proj.weight";
    for (const auto& tensor : baked->tensors())
        if (tensor.name == name) QCOMPARE(tensor.dtype, tensors::DType::BF16);
    const auto config = base::readJson(out / "b" / "config.json").value();
    QVERIFY(config.value("torch_dtype", config.value("dtype", "")) == "bfloat16");
}

void TestExporter::tiedHeadGetsWeightsOfItsOwn() {
    const Folder out;
    const auto source = opened(demo());
    QVERIFY(source->spec().tiedEmbeddings);
    auto how = recipe(2);
    how.quantizeLmHead = true;
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "packed", as(Format::Packed, how)));
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "baked", as(Format::Baked, how)));
    const auto packed = opened(out / "packed");
    const auto baked = opened(out / "baked");
    QVERIFY(!baked->spec().tiedEmbeddings);
    const auto embedding = source->readFloat("model.embed_tokens.weight").value();
    for (const auto& checkpoint : {packed, baked}) {
        QVERIFY(checkpoint->readFloat("model.embed_tokens.weight").value() == embedding);
        QVERIFY(checkpoint->readFloat("lm_head.weight").value() != embedding);
    }
    QVERIFY(packed->readFloat("lm_head.weight").value() == baked->readFloat("lm_head.weight").value());
}

void TestExporter::oddLayersStayDenseAndAreListed() {
    const Folder out;
    auto config = tests::tinyConfig();
    config["intermediate_size"] = 21;
    FAIRY2_OK(tests::writeTinyModel(out / "model", config));
    const auto source = opened(out / "model");
    const auto report = pack::exportCheckpoint(*source, out / "p", as(Format::Packed, recipe(2)));
    FAIRY2_OK(report);
    QCOMPARE(report->skipped.size(), std::size_t{6});
    QVERIFY(report->skipped[0].find("odd number of rows: 21") != std::string::npos);
    const std::string odd = "model.layers.1.mlp.down_proj.weight";
    QVERIFY(opened(out / "p")->readFloat(odd).value() == source->readFloat(odd).value());
}

void TestExporter::rulesDecideLayerByLayer() {
    const Folder out;
    FAIRY2_OK(tests::writeTinyModel(out / "model"));
    auto how = recipe(1);
    how.rules = {{"*.q_proj", {}, {}, true}, {"*.down_proj", 3, ScaleGranularity::Row, {}}};
    const auto report = pack::exportCheckpoint(*opened(out / "model"), out / "p", as(Format::Packed, how));
    FAIRY2_OK(report);
    QCOMPARE(report->skipped.size(), std::size_t{2});
    QCOMPARE(report->quantizedLayers, 12);
    const auto packed = opened(out / "p");
    for (const auto& tensor : packed->tensors()) {
        QVERIFY(tensor.name.find("q_proj.codes") == std::string::npos);
        if (tensor.name == "model.layers.0.mlp.down_proj.scales") {
            QCOMPARE(tensor.shape, (std::vector<std::int64_t>{3, 4, 8}));
            QCOMPARE(tensor.dtype, tensors::DType::F16);
        }
    }
}

void TestExporter::packedSourceCanBeBaked() {
    const Folder out;
    FAIRY2_OK(pack::exportCheckpoint(*opened(demo()), out / "p",
                                     as(Format::Packed, recipe(2, ScaleGranularity::Tile64))));
    ExportOptions options;
    options.format = Format::Baked;
    const auto packed = opened(out / "p");
    FAIRY2_OK(pack::exportCheckpoint(*packed, out / "b", options));
    const auto baked = opened(out / "b");
    QVERIFY(!baked->config().contains("quantization_config"));
    for (const auto& slot : models::tensorSlots(packed->spec()))
        QVERIFY(packed->readFloat(slot.name).value() == baked->readFloat(slot.name).value());
}

void TestExporter::nothingIsQuantisedTwice_data() {
    QTest::addColumn<int>("source");
    QTest::addColumn<int>("target");
    QTest::addColumn<bool>("withRecipe");
    QTest::newRow("baked to packed") << 1 << 0 << false;
    QTest::newRow("baked to packed with a recipe") << 1 << 0 << true;
    QTest::newRow("baked to baked") << 1 << 1 << true;
    QTest::newRow("packed to packed") << 0 << 0 << false;
    QTest::newRow("packed with a recipe") << 0 << 1 << true;
}

void TestExporter::nothingIsQuantisedTwice() {
    QFETCH(int, source);
    QFETCH(int, target);
    QFETCH(bool, withRecipe);
    const Folder out;
    FAIRY2_OK(tests::writeTinyModel(out / "model"));
    FAIRY2_OK(pack::exportCheckpoint(*opened(out / "model"), out / "once",
                                     as(static_cast<Format>(source), recipe(2))));
    ExportOptions options;
    options.format = static_cast<Format>(target);
    if (withRecipe) options.recipe = recipe(2);
    const auto again = pack::exportCheckpoint(*opened(out / "once"), out / "twice", options);
    QVERIFY(!again);
    QCOMPARE(again.error().code, base::ErrorCode::BadInput);
    QVERIFY(!again.error().hint.empty());
    QVERIFY(!fs::exists(out / "twice"));
}

void TestExporter::aRecipeThatQuantisesNothingIsRefused() {
    const Folder out;
    const auto source = opened(demo());
    ExportOptions options; // an ordinary model has no recipe of its own
    QVERIFY(!pack::exportCheckpoint(*source, out / "p", options));
    options.recipe = recipe(0);
    const auto refused = pack::exportCheckpoint(*source, out / "p", options);
    QVERIFY(!refused);
    QCOMPARE(refused.error().field, std::string("recipe"));
    QCOMPARE(out.entries(), std::size_t{0});
}

void TestExporter::configTellsUnawareLoadersToStop() {
    const Folder out;
    FAIRY2_OK(pack::exportCheckpoint(*opened(demo()), out / "p",
                                     as(Format::Packed, recipe(2, ScaleGranularity::Row))));
    const auto config = base::readJson(out / "p" / "config.json").value();
    const auto& method = config.at("quantization_config");
    QVERIFY(method.at("quant_method") == "fairy2i");
    QVERIFY(method.at("format") == 1);
    QVERIFY(method.at("stages") == 2);
    QVERIFY(method.at("scale_granularity") == "row");
    QVERIFY(config.at("hidden_size") == 64);
    QVERIFY(!fs::exists(out / "p" / "model.safetensors"));
    fs::remove(out / "p" / "fairy2.json");
    const auto unmarked = models::Checkpoint::open((out / "p").string());
    QVERIFY(!unmarked);
}

void TestExporter::markerNamesTheSourceAndHashesTheFile() {
    const Folder out;
    const auto source = opened(demo());
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "p", as(Format::Packed, recipe(2))));
    const auto marker = base::readJson(out / "p" / "fairy2.json").value();
    QVERIFY(marker.at("format") == 1);
    QVERIFY(marker.at("kind") == "packed");
    QVERIFY(marker.at("source").at("content_hash") == source->contentHash().value());
    QVERIFY(marker.at("source").at("name") == "stories260K");
    QVERIFY(marker.at("weights").at("sha256") == base::sha256OfFile(out / "p" / pack::kPackedFile).value());
    QCOMPARE(marker.at("crc32c").size(), opened(out / "p")->tensors().size());
}

void TestExporter::companionsAreCopied() {
    const Folder out;
    FAIRY2_OK(pack::exportCheckpoint(*opened(demo()), out / "p", as(Format::Packed, recipe(2))));
    for (const char* name : {"tokenizer.json", "tokenizer_config.json", "generation_config.json"})
        QCOMPARE(base::readFile(out / "p" / name, 1 << 24).value(),
                 base::readFile(demo() / name, 1 << 24).value());
}

void TestExporter::existingTargetsAreRefused() {
    const Folder out;
    FAIRY2_OK(tests::writeTinyModel(out / "model"));
    tests::writeText(out / "file", "precious");
    tests::writeText(out / "folder" / "notes.txt", "precious");
    const auto source = opened(out / "model");
    for (const char* target : {"model", "file", "folder"}) {
        const auto refused = pack::exportCheckpoint(*source, out / target, as(Format::Packed, recipe(1)));
        QVERIFY2(!refused, target);
        QCOMPARE(refused.error().file, (out / target).string());
    }
    QCOMPARE(out.entries(), std::size_t{3});
    fs::create_directory(out / "empty");
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "empty", as(Format::Packed, recipe(1))));
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "deep" / "er" / "", as(Format::Packed, recipe(1))));
    QVERIFY(fs::exists(out / "deep" / "er" / "fairy2.json"));
}

void TestExporter::overwritingReplacesAModelOnly() {
    const Folder out;
    FAIRY2_OK(tests::writeTinyModel(out / "model"));
    tests::writeText(out / "folder" / "notes.txt", "precious");
    const auto source = opened(out / "model");
    auto options = as(Format::Packed, recipe(1));
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "p", options));
    tests::writeText(out / "p" / "stray", "old");
    options.overwrite = true;
    options.recipe = recipe(3);
    FAIRY2_OK(pack::exportCheckpoint(*source, out / "p", options));
    QCOMPARE(opened(out / "p")->recipe().defaults.stages, 3);
    QVERIFY(!fs::exists(out / "p" / "stray"));
    QVERIFY(!pack::exportCheckpoint(*source, out / "folder", options));
    QVERIFY(!pack::exportCheckpoint(*source, out / "model", options));
    QVERIFY(fs::exists(out / "folder" / "notes.txt"));
    QVERIFY(fs::exists(out / "model" / "model.safetensors"));
    QCOMPARE(out.entries(), std::size_t{3});
}

void TestExporter::cancelLeavesNothing() {
    const Folder out;
    const auto source = opened(demo());
    base::Cancel cancel;
    base::Task task;
    task.cancel = &cancel;
    std::int64_t reports = 0;
    task.report = [&](std::int64_t done, std::int64_t total, const std::string&) {
        QVERIFY(done <= total);
        if (++reports == 10) cancel.request();
    };
    const auto stopped = pack::exportCheckpoint(*source, out / "p", as(Format::Packed, recipe(2)), task);
    QVERIFY(!stopped);
    QCOMPARE(stopped.error().code, base::ErrorCode::Cancelled);
    QCOMPARE(reports, 10);
    QCOMPARE(out.entries(), std::size_t{0});
}

void TestExporter::damagedWeightsLeaveNothing() {
    const Folder out;
    FAIRY2_OK(tests::writeTinyModel(out / "model", tests::tinyConfig(), [](auto& list) {
        for (auto& tensor : list) {
            if (tensor.declaration.name != "model.layers.1.mlp.up_proj.weight") continue;
            const float nan = std::nanf("");
            std::memcpy(tensor.bytes.data() + 8, &nan, sizeof nan);
        }
    }));
    const auto refused =
        pack::exportCheckpoint(*opened(out / "model"), out / "p", as(Format::Packed, recipe(1)));
    QVERIFY(!refused);
    QCOMPARE(refused.error().code, base::ErrorCode::BadInput);
    QCOMPARE(refused.error().field, std::string("model.layers.1.mlp.up_proj.codes"));
    QCOMPARE(out.entries(), std::size_t{1});
}

void TestExporter::damagedPackedFilesAreRefused_data() {
    QTest::addColumn<int>("damage");
    QTest::newRow("truncated file") << 0;
    QTest::newRow("no checksums") << 1;
    QTest::newRow("one checksum missing") << 2;
    QTest::newRow("recipe of another file") << 3;
    QTest::newRow("config of another model") << 4;
    QTest::newRow("no weights") << 5;
    QTest::newRow("newer format") << 6;
}

void TestExporter::damagedPackedFilesAreRefused() {
    QFETCH(int, damage);
    const Folder out;
    FAIRY2_OK(pack::exportCheckpoint(*opened(demo()), out / "p", as(Format::Packed, recipe(2))));
    const auto weights = out / "p" / pack::kPackedFile;
    auto marker = base::readJson(out / "p" / "fairy2.json").value();
    auto config = base::readJson(out / "p" / "config.json").value();
    if (damage == 0) fs::resize_file(weights, fs::file_size(weights) - 1);
    if (damage == 1) marker.erase("crc32c");
    if (damage == 2) marker["crc32c"].erase("model.norm.weight");
    if (damage == 3) marker["recipe"]["stages"] = 3;
    if (damage == 4) config["num_hidden_layers"] = 4;
    if (damage == 5) fs::remove(weights);
    if (damage == 6) marker["format"] = 2;
    tests::writeText(out / "p" / "fairy2.json", marker.dump());
    tests::writeText(out / "p" / "config.json", config.dump());
    const auto refused = models::Checkpoint::open((out / "p").string());
    QVERIFY(!refused);
    QCOMPARE(base::exitCode(refused.error().code), 3);
    QVERIFY(!refused.error().file.empty());
}

void TestExporter::flippedBitIsFoundWhenItIsRead() {
    const Folder out;
    FAIRY2_OK(pack::exportCheckpoint(*opened(demo()), out / "p", as(Format::Packed, recipe(2))));
    const auto path = out / "p" / pack::kPackedFile;
    auto content = base::readFile(path, 1 << 24).value();
    std::uint64_t offset = 0;
    const auto intact = opened(out / "p");
    for (const auto& tensor : intact->tensors())
        if (tensor.name == "model.layers.2.mlp.gate_proj.codes") offset = tensor.offset;
    content[offset + 5] ^= 4;
    FAIRY2_OK(base::writeFileAtomically(path, content));
    const auto damaged = opened(out / "p");
    FAIRY2_OK(damaged->readFloat("model.layers.1.mlp.gate_proj.weight"));
    const auto refused = damaged->readFloat("model.layers.2.mlp.gate_proj.weight");
    QVERIFY(!refused);
    QCOMPARE(refused.error().field, std::string("model.layers.2.mlp.gate_proj.codes"));
    QVERIFY(!damaged->contentHash());
}

void TestExporter::formatsAreParsed() {
    QCOMPARE(pack::parseFormat("packed").value(), Format::Packed);
    QCOMPARE(pack::parseFormat("hf").value(), Format::Baked);
    const auto refused = pack::parseFormat("gguf");
    QVERIFY(!refused);
    QCOMPARE(refused.error().code, base::ErrorCode::Usage);
    QVERIFY(refused.error().hint.find("packed") != std::string::npos);
}

void TestExporter::realModelPacksWithinTwoPercent() {
    FAIRY2_REAL_FILE(folder, "models/smollm2-mini-31m");
    const Folder out;
    for (const int stages : {1, 2}) {
        const auto report = pack::exportCheckpoint(*opened(folder), out / ("p" + std::to_string(stages)),
                                                   as(Format::Packed, recipe(stages)));
        FAIRY2_OK(report);
        QVERIFY(static_cast<double>(report->bytes) < 1.02 * static_cast<double>(report->expectedBytes));
        QVERIFY(std::abs(report->bitsPerWeight - stages) < 0.01);
    }
}

QTEST_APPLESS_MAIN(TestExporter)
#include "tst_exporter.moc"
