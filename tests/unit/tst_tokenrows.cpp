// SPDX-License-Identifier: Apache-2.0
#include "data/tokenrows.h"
#include "tensors/safetensors.h"
#include "testdata.h"

#include <QTemporaryDir>

using namespace fairy2;
using tensors::DType;

namespace {

std::vector<std::int32_t> asVector(std::span<const std::int32_t> row) {
    return {row.begin(), row.end()};
}

// One file with an I32 and an I64 matrix, a float matrix and an I32 vector.
base::Path writeMatrices(const QTemporaryDir& directory, const std::vector<std::int64_t>& wide) {
    const base::Path path = base::Path(directory.path().toStdString()) / "tokens.safetensors";
    const std::vector<std::int32_t> narrow = {1, 2, 3, 4, 5, 6};
    const std::vector<float> floats = {1, 2};
    auto writer = tensors::SafetensorsWriter::create(
        path, {{"floats", DType::F32, {1, 2}},
               {"narrow", DType::I32, {2, 3}},
               {"vector", DType::I32, {6}},
               {"wide", DType::I64, {1, static_cast<std::int64_t>(wide.size())}}});
    Q_ASSERT(writer);
    (void)writer->write(std::as_bytes(std::span(floats)));
    (void)writer->write(std::as_bytes(std::span(narrow)));
    (void)writer->write(std::as_bytes(std::span(narrow)));
    (void)writer->write(std::as_bytes(std::span(wide)));
    (void)writer->finish();
    return path;
}

} // namespace

class TestTokenRows : public QObject {
    Q_OBJECT
private slots:
    void matricesAreReadByKey();
    void unsuitableTensorsAreRefusedByName();
    void idsOutsideTheVocabularyAreNamed();
    void linesOfIdsAreRows();
    void brokenTextIsRefused_data();
    void brokenTextIsRefused();
    void otherFilesAreRefused();
    void realTokensAreRead();
};

void TestTokenRows::matricesAreReadByKey() {
    QTemporaryDir directory;
    const auto path = writeMatrices(directory, {7, 2147483647});
    const auto first = data::TokenRows::open(path);
    FAIRY2_OK(first);
    QCOMPARE(first->rows(), 2);
    QCOMPARE(first->tokens(), 6);
    QCOMPARE(asVector(first->row(1)), (std::vector<std::int32_t>{4, 5, 6}));
    const auto wide = data::TokenRows::open(path, "wide");
    FAIRY2_OK(wide);
    QCOMPARE(asVector(wide->row(0)), (std::vector<std::int32_t>{7, 2147483647}));
    QCOMPARE(data::TokenRows::keys(path).value(), (std::vector<std::string>{"narrow", "wide"}));
}

void TestTokenRows::unsuitableTensorsAreRefusedByName() {
    QTemporaryDir directory;
    const auto path = writeMatrices(directory, {1});
    for (const char* key : {"floats", "vector", "absent"}) {
        const auto rows = data::TokenRows::open(path, key);
        QVERIFY(!rows);
        QCOMPARE(rows.error().code, base::ErrorCode::BadInput);
        QCOMPARE(rows.error().field, std::string(key));
        QCOMPARE(rows.error().hint, std::string("token matrices in this file: narrow, wide"));
    }
}

void TestTokenRows::idsOutsideTheVocabularyAreNamed() {
    QTemporaryDir directory;
    const auto path = writeMatrices(directory, {1, -5, 3});
    const auto negative = data::TokenRows::open(path, "wide");
    QVERIFY(!negative);
    QCOMPARE(negative.error().message, std::string("row 0, place 1: -5 is not a token id"));
    const auto outside = data::TokenRows::open(path, "narrow", 5);
    QVERIFY(!outside);
    QCOMPARE(outside.error().message,
             std::string("row 1, place 1: token id 5 is outside the vocabulary of 5"));
    QVERIFY(data::TokenRows::open(path, "narrow", 7).has_value());
    QVERIFY(!data::TokenRows::open(writeMatrices(directory, {4294967296}), "wide"));
}

void TestTokenRows::linesOfIdsAreRows() {
    QTemporaryDir directory;
    const base::Path path = base::Path(directory.path().toStdString()) / "rows.txt";
    FAIRY2_OK(base::writeFileAtomically(path, "1 385\t 7\r\n\n  \n42\n0 1"));
    const auto rows = data::TokenRows::open(path, "", 386);
    FAIRY2_OK(rows);
    QCOMPARE(rows->rows(), 3);
    QCOMPARE(asVector(rows->row(0)), (std::vector<std::int32_t>{1, 385, 7}));
    QCOMPARE(asVector(rows->row(1)), (std::vector<std::int32_t>{42}));
    QCOMPARE(asVector(rows->row(2)), (std::vector<std::int32_t>{0, 1}));
}

void TestTokenRows::brokenTextIsRefused_data() {
    QTest::addColumn<QByteArray>("content");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("word") << QByteArray("1 2\n3 x 4\n") << QByteArray("line 2, place 1");
    QTest::newRow("fraction") << QByteArray("1.5\n") << QByteArray("line 1, place 0");
    QTest::newRow("negative") << QByteArray("1\n-2\n") << QByteArray("-2 is not a token id");
    QTest::newRow("too large") << QByteArray("99999999999999999999\n") << QByteArray("not a number");
    QTest::newRow("larger than an id") << QByteArray("4294967296\n") << QByteArray("4294967296");
    QTest::newRow("outside") << QByteArray("1\n\n2 512\n") << QByteArray("row 1, place 1: token id 512");
    QTest::newRow("empty") << QByteArray("\n \n") << QByteArray("no token ids");
    QTest::newRow("zero byte") << QByteArray("1\0002\n", 4) << QByteArray("not a number");
}

void TestTokenRows::brokenTextIsRefused() {
    QFETCH(QByteArray, content);
    QFETCH(QByteArray, says);
    QTemporaryDir directory;
    const base::Path path = base::Path(directory.path().toStdString()) / "rows.txt";
    FAIRY2_OK(base::writeFileAtomically(path, content.toStdString()));
    const auto rows = data::TokenRows::open(path, "", 512);
    QVERIFY(!rows);
    QCOMPARE(rows.error().code, base::ErrorCode::BadInput);
    QVERIFY2(rows.error().message.find(says.toStdString()) != std::string::npos,
             rows.error().message.c_str());
}

void TestTokenRows::otherFilesAreRefused() {
    QTemporaryDir directory;
    const base::Path path = base::Path(directory.path().toStdString()) / "rows.bin";
    FAIRY2_OK(base::writeFileAtomically(path, "1"));
    QVERIFY(!data::TokenRows::open(path));
    const auto missing = data::TokenRows::open("nowhere.txt");
    QVERIFY(!missing);
    QCOMPARE(missing.error().code, base::ErrorCode::NotFound);
}

void TestTokenRows::realTokensAreRead() {
    const auto demo =
        base::Path(tests::environment("FAIRY2_SOURCE")) / "resources/demo/stories_tokens.safetensors";
    const auto rows = data::TokenRows::open(demo, "", 512);
    FAIRY2_OK(rows);
    QVERIFY(rows->rows() > 10);
    FAIRY2_REAL_FILE(oracle, "models/oracle_tokens_tok512.txt");
    const auto stories = data::TokenRows::open(oracle, "", 512);
    FAIRY2_OK(stories);
    QCOMPARE(stories->rows(), 200);
    QCOMPARE(stories->tokens() - stories->rows(), 50651);
}

QTEST_APPLESS_MAIN(TestTokenRows)
#include "tst_tokenrows.moc"
