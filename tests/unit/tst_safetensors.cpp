// SPDX-License-Identifier: Apache-2.0
#include "tensors/safetensors.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <cstring>
#include <fstream>
#include <numeric>

using namespace fairy2;
using tensors::DType;
using tensors::SafetensorsFile;
using tensors::SafetensorsWriter;

class TestSafetensors : public QObject {
    Q_OBJECT
private slots:
    void acceptsWhatTheFormatAllows_data();
    void acceptsWhatTheFormatAllows();
    void refusesBadHeaders_data();
    void refusesBadHeaders();
    void refusesBadFiles_data();
    void refusesBadFiles();
    void refusesEveryTruncation();
    void refusesAHeaderOverTheLimit();
    void tensorsComeInFileOrder();
    void readsRealFiles_data();
    void readsRealFiles();
    void writtenFilesReadBackTheSame();
    void writerPadsTheHeaderToEightBytes();
    void writerRefusesWrongCalls();
    void writerLeavesNothingWithoutFinish();
};

namespace {

base::Path folderOf(const QTemporaryDir& directory) {
    return directory.path().toStdString();
}

std::string withLength(std::uint64_t length, const std::string& rest) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes + rest;
}

std::string fileOf(const std::string& header, std::size_t dataBytes) {
    return withLength(header.size(), header + std::string(dataBytes, '\x01'));
}

std::string tensor(const char* dtype, const char* shape, const char* offsets) {
    return std::string(R"({"dtype":")") + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets +
           "}";
}

base::Result<SafetensorsFile> openBytes(const base::Path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    return SafetensorsFile::open(path);
}

} // namespace

void TestSafetensors::acceptsWhatTheFormatAllows_data() {
    QTest::addColumn<QByteArray>("header");
    QTest::addColumn<int>("dataBytes");
    QTest::addColumn<int>("count");
    const auto row = [](const char* name, const std::string& header, int dataBytes, int count) {
        QTest::newRow(name) << QByteArray::fromStdString(header) << dataBytes << count;
    };
    row("no tensors", "{}", 0, 0);
    row("only metadata", R"({"__metadata__":{"format":"pt"}})", 0, 0);
    row("null for no metadata", R"({"__metadata__":null})", 0, 0);
    row("empty metadata", R"({"__metadata__":{}})", 0, 0);
    row("scalar", R"({"a":)" + tensor("F32", "[]", "[0,4]") + "}", 4, 1);
    row("zero-size tensor", R"({"a":)" + tensor("F32", "[0,3]", "[0,0]") + "}", 0, 1);
    row("zero-size tensors between others",
        R"({"z":)" + tensor("U8", "[0]", "[2,2]") + R"(,"b":)" + tensor("U8", "[3]", "[2,5]") + R"(,"a":)" +
            tensor("U8", "[2]", "[0,2]") + R"(,"y":)" + tensor("U8", "[0]", "[5,5]") + "}",
        5, 4);
    row("padding", "{}      ", 0, 0);
    row("white space", "{ \"a\" :\n" + tensor("U8", "[ 1 ]", "[ 0 , 1 ]") + "\t}", 1, 1);
    row("eight dimensions", R"({"a":)" + tensor("U8", "[1,1,1,1,1,1,1,2]", "[0,2]") + "}", 2, 1);
    row("unaligned",
        R"({"a":)" + tensor("U8", "[1]", "[0,1]") + R"(,"b":)" + tensor("F64", "[1]", "[1,9]") + "}", 9, 2);
    row("fields in any order", R"({"a":{"data_offsets":[0,1],"shape":[1],"dtype":"BOOL"}})", 1, 1);
    row("names in any script", R"({"größe.\u4e2d":)" + tensor("U8", "[1]", "[0,1]") + "}", 1, 1);
    row("longest name", "{\"" + std::string(4096, 'n') + "\":" + tensor("U8", "[1]", "[0,1]") + "}", 1, 1);
}

void TestSafetensors::acceptsWhatTheFormatAllows() {
    QFETCH(QByteArray, header);
    QFETCH(int, dataBytes);
    QFETCH(int, count);
    QTemporaryDir directory;
    const auto file =
        openBytes(folderOf(directory) / "a", fileOf(header.toStdString(), std::size_t(dataBytes)));
    FAIRY2_OK(file);
    QCOMPARE(int(file->tensors().size()), count);
    for (const auto& info : file->tensors()) {
        QCOMPARE(file->find(info.name), &info);
        QCOMPARE(file->bytes(info).size(), info.bytes);
    }
}

void TestSafetensors::refusesBadHeaders_data() {
    QTest::addColumn<QByteArray>("header");
    QTest::addColumn<QByteArray>("says");
    QTest::addColumn<QByteArray>("field");
    // Every header is checked against 8 bytes of data.
    const auto row = [](const char* name, const std::string& header, const char* says,
                        const char* field = "") {
        QTest::newRow(name) << QByteArray::fromStdString(header) << QByteArray(says) << QByteArray(field);
    };
    const auto one = [](const std::string& value) { return R"({"a":)" + value + "}"; };
    row("empty", "", "does not start with '{'");
    row("array", "[]", "does not start with '{'");
    row("leading space", " {}", "does not start with '{'");
    row("byte order mark", "\xEF\xBB\xBF{}", "does not start with '{'");
    row("cut short", R"({"a":)", "not valid JSON");
    row("something after the object", "{} {}", "not valid JSON");
    row("zero bytes as padding", std::string("{}\0\0", 4), "not valid JSON");
    row("trailing comma", R"({"__metadata__":{},})", "not valid JSON");
    row("comment", "{/**/}", "not valid JSON");
    row("bad UTF-8 in a name", "{\"\xff\":" + tensor("F32", "[2]", "[0,8]") + "}", "not valid JSON");
    row("overlong UTF-8", "{\"\xC0\xAF\":" + tensor("F32", "[2]", "[0,8]") + "}", "not valid JSON");
    row("lone surrogate", R"({"\ud800":)" + tensor("F32", "[2]", "[0,8]") + "}", "not valid JSON");
    row("raw control character in a name", "{\"a\nb\":" + tensor("F32", "[2]", "[0,8]") + "}",
        "not valid JSON");
    row("name too long", "{\"" + std::string(4097, 'n') + "\":" + tensor("F32", "[2]", "[0,8]") + "}",
        "longer than 4096 bytes");
    row("duplicate name",
        R"({"a":)" + tensor("F32", "[1]", "[0,4]") + R"(,"a":)" + tensor("F32", "[1]", "[4,8]") + "}",
        "stands twice", "a");
    row("duplicate name by escape",
        R"({"a":)" + tensor("F32", "[1]", "[0,4]") + R"(,"\u0061":)" + tensor("F32", "[1]", "[4,8]") + "}",
        "stands twice", "a");
    row("duplicate dtype", one(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
        "'dtype' stands twice", "a");
    row("duplicate shape", one(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})"),
        "'shape' stands twice", "a");
    row("duplicate data_offsets",
        one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]})"),
        "'data_offsets' stands twice", "a");
    row("duplicate metadata",
        R"({"__metadata__":{},"a":)" + tensor("F32", "[2]", "[0,8]") + R"(,"__metadata__":{}})",
        "stands twice", "__metadata__");
    row("duplicate key in metadata",
        R"({"__metadata__":{"k":"1","k":"2"},"a":)" + tensor("F32", "[2]", "[0,8]") + "}", "'k' stands twice",
        "__metadata__");
    row("metadata is a string", R"({"__metadata__":"pt","a":)" + tensor("F32", "[2]", "[0,8]") + "}",
        "it is a string", "__metadata__");
    row("null in metadata", R"({"__metadata__":{"k":null}})", "metadata holds only strings", "__metadata__");
    row("metadata is an array", R"({"__metadata__":[]})", "it is an array", "__metadata__");
    row("number in metadata", R"({"__metadata__":{"k":1}})", "metadata holds only strings", "__metadata__");
    row("object in metadata", R"({"__metadata__":{"k":{}}})", "metadata holds only strings", "__metadata__");
    row("boolean in metadata", R"({"__metadata__":{"k":true}})", "metadata holds only strings",
        "__metadata__");
    row("tensor is null", one("null"), "an object with dtype", "a");
    row("tensor is a number", one("3"), "an object with dtype", "a");
    row("tensor is an array", one("[]"), "an object with dtype", "a");
    row("unknown key", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]})"), "'strides'",
        "a");
    row("no dtype", one(R"({"shape":[2],"data_offsets":[0,8]})"), "'dtype' is missing", "a");
    row("no shape", one(R"({"dtype":"F32","data_offsets":[0,8]})"), "'shape' is missing", "a");
    row("no data_offsets", one(R"({"dtype":"F32","shape":[2]})"), "'data_offsets' is missing", "a");
    row("no field at all", one("{}"), "'dtype' is missing", "a");
    row("unknown dtype", one(tensor("F4", "[16]", "[0,8]")), "'F4' is not known", "a");
    row("dtype in lower case", one(tensor("f32", "[2]", "[0,8]")), "'f32' is not known", "a");
    row("dtype is a number", one(R"({"dtype":32,"shape":[2],"data_offsets":[0,8]})"), "dtype is a number",
        "a");
    row("shape is a number", one(tensor("F32", "2", "[0,8]")), "shape holds a number", "a");
    row("shape is null", one(tensor("F32", "null", "[0,8]")), "shape holds null", "a");
    row("negative dimension", one(tensor("F32", "[-2]", "[0,8]")), "a negative number", "a");
    row("negative zero", one(tensor("F32", "[-0]", "[0,8]")), "a negative number", "a");
    row("fractional dimension", one(tensor("F32", "[2.0]", "[0,8]")), "not a 64-bit integer", "a");
    row("exponent dimension", one(tensor("F32", "[2e0]", "[0,8]")), "not a 64-bit integer", "a");
    row("string dimension", one(tensor("F32", "[\"2\"]", "[0,8]")), "shape holds a string", "a");
    row("nested shape", one(tensor("F32", "[[2]]", "[0,8]")), "shape holds an array", "a");
    row("nine dimensions", one(tensor("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]")), "more than 8 dimensions", "a");
    row("dimension 2^63", one(tensor("U8", "[9223372036854775808]", "[0,8]")), "too large", "a");
    row("dimension 2^64-1", one(tensor("U8", "[18446744073709551615]", "[0,8]")), "too large", "a");
    row("dimension 2^64", one(tensor("U8", "[18446744073709551616]", "[0,8]")), "not a 64-bit integer", "a");
    row("product overflows to 2", one(tensor("F32", "[4294967297,4294967298]", "[0,8]")),
        "too large to exist", "a");
    row("bytes overflow to 8", one(tensor("F32", "[4611686018427387906]", "[0,8]")), "too large to exist",
        "a");
    row("overflow before a zero", one(tensor("U8", "[4294967296,4294967296,0]", "[0,0]")),
        "too large to exist", "a");
    row("bytes above 2^63", one(tensor("F64", "[1152921504606846976]", "[0,8]")), "too large to exist", "a");
    row("shape too small", one(tensor("F32", "[1]", "[0,8]")), "takes 4 bytes, but data_offsets give it 8",
        "a");
    row("shape too large", one(tensor("F32", "[3]", "[0,8]")), "takes 12 bytes, but data_offsets give it 8",
        "a");
    row("one offset", one(tensor("F32", "[2]", "[8]")), "does not have two numbers", "a");
    row("no offset", one(tensor("F32", "[2]", "[]")), "does not have two numbers", "a");
    row("three offsets", one(tensor("F32", "[2]", "[0,8,8]")), "more than two numbers", "a");
    row("negative offset", one(tensor("F32", "[2]", "[-8,0]")), "a negative number", "a");
    row("fractional offset", one(tensor("F32", "[2]", "[0,8.0]")), "not a 64-bit integer", "a");
    row("offsets backwards", one(tensor("F32", "[2]", "[8,0]")), "run backwards", "a");
    row("offset 2^64-1", one(tensor("F32", "[2]", "[18446744073709551607,18446744073709551615]")),
        "ends at byte", "a");
    row("past the end", one(tensor("F32", "[3]", "[0,12]")), "holds only 8 bytes", "a");
    row("hole at the start", one(tensor("F32", "[1]", "[4,8]")), "leave a hole", "a");
    row("hole inside",
        R"({"a":)" + tensor("U8", "[2]", "[0,2]") + R"(,"b":)" + tensor("U8", "[4]", "[4,8]") + "}",
        "leave a hole", "b");
    row("overlap",
        R"({"a":)" + tensor("U8", "[6]", "[0,6]") + R"(,"b":)" + tensor("U8", "[4]", "[4,8]") + "}",
        "overlap", "b");
    row("the same bytes twice",
        R"({"a":)" + tensor("F32", "[2]", "[0,8]") + R"(,"b":)" + tensor("F32", "[2]", "[0,8]") + "}",
        "overlap", "b");
    row("bytes left over", one(tensor("F32", "[1]", "[0,4]")), "end at byte 4");
    row("no tensor for the bytes", "{}", "end at byte 0");
    row("nested without end", one(R"({"dtype":)" + std::string(100000, '[')), "dtype is an array", "a");
}

void TestSafetensors::refusesBadHeaders() {
    QFETCH(QByteArray, header);
    QFETCH(QByteArray, says);
    QFETCH(QByteArray, field);
    const auto parsed = tensors::parseHeader({header.data(), std::size_t(header.size())}, 8, "f.safetensors");
    QVERIFY(!parsed);
    QCOMPARE(parsed.error().code, base::ErrorCode::BadInput);
    QCOMPARE(parsed.error().file, std::string("f.safetensors"));
    if (!field.isEmpty()) QCOMPARE(parsed.error().field, field.toStdString());
    QVERIFY2(QByteArray::fromStdString(parsed.error().message).contains(says),
             parsed.error().message.c_str());
}

void TestSafetensors::refusesBadFiles_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QByteArray>("says");
    const auto row = [](const char* name, const std::string& bytes, const char* says) {
        QTest::newRow(name) << QByteArray::fromStdString(bytes) << QByteArray(says);
    };
    row("empty file", "", "at least 8");
    row("seven bytes", std::string(7, '\0'), "at least 8");
    row("header of length 0", std::string(8, '\0'), "does not start with '{'");
    row("zeros", std::string(4096, '\0'), "does not start with '{'");
    row("length one too long", withLength(3, "{}"), "only 2 follow");
    row("length 2^31", withLength(0x80000000ULL, "{}"), "only 2 follow");
    row("length 2^63-1", withLength(0x7FFFFFFFFFFFFFFFULL, "{}"), "only 2 follow");
    row("length 2^64-1", withLength(0xFFFFFFFFFFFFFFFFULL, "{}"), "only 2 follow");
    row("length 2^64-8", withLength(0xFFFFFFFFFFFFFFF8ULL, "{}"), "only 2 follow");
    row("length one too short", withLength(1, "{}"), "not valid JSON");
    row("zip archive", std::string("PK\x03\x04\x14\x00\x00\x00", 8) + std::string(100, 'x'),
        "only 100 follow");
    row("text", "version https://git-lfs.github.com/spec/v1\n", "is not a safetensors file");
}

void TestSafetensors::refusesBadFiles() {
    QFETCH(QByteArray, bytes);
    QFETCH(QByteArray, says);
    QTemporaryDir directory;
    const auto path = folderOf(directory) / "bad.safetensors";
    const auto file = openBytes(path, bytes.toStdString());
    QVERIFY(!file);
    QCOMPARE(file.error().code, base::ErrorCode::BadInput);
    QCOMPARE(file.error().file, path.string());
    QVERIFY2(QByteArray::fromStdString(file.error().message).contains(says), file.error().message.c_str());
}

void TestSafetensors::refusesEveryTruncation() {
    const std::string whole = fileOf(
        R"({"a":)" + tensor("F32", "[2]", "[0,8]") + R"(,"b":)" + tensor("U8", "[3]", "[8,11]") + "}", 11);
    QTemporaryDir directory;
    const auto path = folderOf(directory) / "cut.safetensors";
    FAIRY2_OK(openBytes(path, whole));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto file = openBytes(path, whole.substr(0, length));
        QVERIFY2(!file, std::to_string(length).c_str());
        QCOMPARE(file.error().code, base::ErrorCode::BadInput);
    }
    QVERIFY(!openBytes(path, whole + "x"));
}

void TestSafetensors::refusesAHeaderOverTheLimit() {
    QTemporaryDir directory;
    const auto path = folderOf(directory) / "long.safetensors";
    FAIRY2_OK(base::writeFileAtomically(path, withLength(100'000'001, "{}")));
    std::filesystem::resize_file(path, 200'000'000); // sparse: the length alone decides
    const auto file = SafetensorsFile::open(path);
    QVERIFY(!file);
    QVERIFY2(file.error().message.find("at most 100000000") != std::string::npos,
             file.error().message.c_str());
}

void TestSafetensors::tensorsComeInFileOrder() {
    const auto parsed = tensors::parseHeader(
        R"({"b":)" + tensor("U8", "[4]", "[4,8]") + R"(,"a":)" + tensor("U8", "[4]", "[0,4]") + "}", 8, "f");
    FAIRY2_OK(parsed);
    QCOMPARE(parsed->first.at(0).name, std::string("a"));
    QCOMPARE(parsed->first.at(1).name, std::string("b"));
    QCOMPARE(parsed->first.at(1).offset - parsed->first.at(0).offset, std::uint64_t(4));
}

void TestSafetensors::readsRealFiles_data() {
    QTest::addColumn<QByteArray>("file");
    QTest::addColumn<int>("metadata");
    QTest::addColumn<QByteArray>("name"); // of one tensor in it
    QTest::addColumn<QByteArray>("type");
    QTest::addColumn<std::vector<std::int64_t>>("shape");
    QTest::addColumn<double>("sum"); // of its elements, as the safetensors package for Python reads it
    using Shape = std::vector<std::int64_t>;
    const auto row = [](const char* title, const char* file, int metadata, const char* name, const char* type,
                        const Shape& shape, double sum) {
        QTest::newRow(title) << QByteArray(file) << metadata << QByteArray(name) << QByteArray(type) << shape
                             << sum;
    };
    row("much metadata", "fp8_weights_multi.safetensors", 10, "layer3.weight:original_weight", "F32",
        {128, 256}, -112.70566383110145);
    row("written by C++", "syoyo-model.safetensors", 0, "weight2", "F64", {16, 16}, 126.67609970765007);
    row("int32", "tensor-1d-int32.safetensors", 0, "embedding", "I32", {3}, 6);
    row("float64", "tensor-2d-float64.safetensors", 0, "embedding", "F64", {2, 3}, 81);
    row("three dimensions", "tensor-3d-float32.safetensors", 0, "embedding", "F32", {2, 2, 3}, 120);
    row("four dimensions", "tensor-4d-float32.safetensors", 0, "embedding", "F32", {2, 3, 1, 3}, 228);
}

void TestSafetensors::readsRealFiles() {
    QFETCH(QByteArray, file);
    QFETCH(int, metadata);
    QFETCH(QByteArray, name);
    QFETCH(QByteArray, type);
    QFETCH(std::vector<std::int64_t>, shape);
    QFETCH(double, sum);
    const auto path = tests::realFile("formats/safetensors/" + file.toStdString());
    if (path.empty()) QSKIP("needs the real data: set FAIRY2_REALDATA");
    const auto opened = SafetensorsFile::open(path);
    FAIRY2_OK(opened);
    QCOMPARE(int(opened->metadata().size()), metadata);
    const auto* info = opened->find(name.toStdString());
    QVERIFY(info != nullptr);
    QCOMPARE(std::string(tensors::name(info->dtype)), type.toStdString());
    QVERIFY(info->shape == shape);
    const auto bytes = opened->bytes(*info);
    double total = 0;
    if (info->dtype == DType::I32) {
        std::vector<std::int32_t> values(bytes.size() / sizeof(std::int32_t));
        std::memcpy(values.data(), bytes.data(), bytes.size());
        total = std::accumulate(values.begin(), values.end(), 0.0);
    } else {
        std::vector<float> values(static_cast<std::size_t>(info->elements()));
        tensors::convertToFloat(bytes, info->dtype, values);
        total = std::accumulate(values.begin(), values.end(), 0.0);
    }
    QVERIFY2(std::abs(total - sum) < 1e-5, std::to_string(total).c_str());
}

void TestSafetensors::writtenFilesReadBackTheSame() {
    QTemporaryDir directory;
    const auto path = folderOf(directory) / "w.safetensors";
    const std::vector<SafetensorsWriter::Declaration> declared{{"z", DType::F32, {2, 3}},
                                                               {"nothing", DType::F16, {0, 4}},
                                                               {"a", DType::U8, {5}},
                                                               {"s", DType::BF16, {}}};
    const tensors::Metadata metadata{{"format", "pt"}, {"quote", "\"\n"}};
    std::vector<std::byte> data(24 + 5 + 2);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = std::byte(i);

    auto writer = SafetensorsWriter::create(path, declared, metadata);
    FAIRY2_OK(writer);
    FAIRY2_OK(writer->write(std::span(data).first(10)));
    FAIRY2_OK(writer->write(std::span(data).subspan(10)));
    QVERIFY(!std::filesystem::exists(path));
    FAIRY2_OK(writer->finish());

    const auto file = SafetensorsFile::open(path);
    FAIRY2_OK(file);
    QVERIFY(file->metadata() == metadata);
    QCOMPARE(file->tensors().size(), declared.size());
    std::vector<std::byte> back;
    for (const auto& info : file->tensors()) {
        const auto bytes = file->bytes(info);
        back.insert(back.end(), bytes.begin(), bytes.end());
    }
    QVERIFY(back == data);
    for (const auto& declaration : declared) {
        const auto* info = file->find(declaration.name);
        QVERIFY(info != nullptr);
        QVERIFY(info->dtype == declaration.dtype);
        QVERIFY(info->shape == declaration.shape);
    }
    QCOMPARE(file->find("absent"), nullptr);
}

void TestSafetensors::writerPadsTheHeaderToEightBytes() {
    QTemporaryDir directory;
    for (std::size_t length = 1; length <= 8; ++length) {
        const auto path = folderOf(directory) / std::to_string(length);
        auto writer = SafetensorsWriter::create(path, {{std::string(length, 'n'), DType::F64, {1}}});
        FAIRY2_OK(writer);
        const double value = 1;
        FAIRY2_OK(writer->write(std::as_bytes(std::span(&value, 1))));
        FAIRY2_OK(writer->finish());
        const auto file = SafetensorsFile::open(path);
        FAIRY2_OK(file);
        QCOMPARE(file->tensors().at(0).offset % 64, std::uint64_t(0));
    }
}

void TestSafetensors::writerRefusesWrongCalls() {
    QTemporaryDir directory;
    const auto path = folderOf(directory) / "w";
    QVERIFY(!SafetensorsWriter::create(path, {{"a", DType::U8, {1}}, {"a", DType::U8, {1}}}));
    QVERIFY(!SafetensorsWriter::create(path, {{"__metadata__", DType::U8, {1}}}));
    QVERIFY(!SafetensorsWriter::create(path, {{"a", DType::U8, {-1}}}));
    QVERIFY(!SafetensorsWriter::create(path, {{"a", DType::F32, {INT64_MAX, 4}}}));
    QVERIFY(!SafetensorsWriter::create(path, {{"\xff", DType::U8, {1}}}));
    QVERIFY(!SafetensorsWriter::create(path / "no" / "folder", {}));

    auto writer = SafetensorsWriter::create(path, {{"a", DType::U8, {3}}});
    FAIRY2_OK(writer);
    const std::array<std::byte, 4> bytes{};
    QVERIFY(!writer->write(bytes));
    FAIRY2_OK(writer->write(std::span(bytes).first(2)));
    QVERIFY(!writer->finish());
    QVERIFY(!std::filesystem::exists(path));
}

void TestSafetensors::writerLeavesNothingWithoutFinish() {
    QTemporaryDir directory;
    {
        auto writer = SafetensorsWriter::create(folderOf(directory) / "w", {{"a", DType::U8, {0}}});
        FAIRY2_OK(writer);
    }
    QVERIFY(std::filesystem::is_empty(folderOf(directory)));
}

QTEST_APPLESS_MAIN(TestSafetensors)
#include "tst_safetensors.moc"
