// SPDX-License-Identifier: Apache-2.0
#include "data/bytesource.h"
#include "data/documents.h"
#include "data/parquet.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <zlib.h>
#include <zstd.h>

using namespace fairy2;

namespace {

std::string gzip(const std::string& text) {
    std::string out(text.size() + 1000, '\0');
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string zstd(const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}

struct Read {
    base::Result<data::ReadStatistics> statistics;
    std::vector<std::string> texts;
};

Read read(const QTemporaryDir& directory, const std::string& name, const std::string& content,
          const data::ReadOptions& options = {}) {
    const auto path = base::Path(directory.path().toStdString()) / name;
    if (!base::writeFileAtomically(path, content)) qFatal("cannot write the test file");
    Read result{data::ReadStatistics{}, {}};
    result.statistics = data::readDocuments({path}, options, [&](std::string&& text) {
        result.texts.push_back(std::move(text));
        return true;
    });
    return result;
}

const std::string kTwo = "{\"text\": \"one\", \"id\": 1}\n\n{\"text\": \"tw\\u00f6\"}\r\n";

} // namespace

class TestDocuments : public QObject {
    Q_OBJECT
private slots:
    void readsEveryForm_data();
    void readsEveryForm();
    void countsBadRecords();
    void refusesWhatItCannotGuess();
    void refusesCutStreams_data();
    void refusesCutStreams();
    void skipsLongLines();
    void stopsWhenAsked();
    void splitsTextAtSeparators();
    void refusesInvalidUtf8();
    void findsFilesOfAFolderInOrder();
    void readsConcatenatedGzipMembers();
    void countsRealCorpora();
    void readsRealParquet_data();
    void readsRealParquet();
    void refusesBadParquet();
};

void TestDocuments::readsEveryForm_data() {
    QTest::addColumn<QByteArray>("name");
    QTest::addColumn<QByteArray>("content");
    const auto row = [](const char* name, const std::string& content) {
        QTest::newRow(name) << QByteArray(name)
                            << QByteArray(content.data(), static_cast<qsizetype>(content.size()));
    };
    row("a.jsonl", kTwo);
    row("a.jsonl.gz", gzip(kTwo));
    row("a.jsonl.zst", zstd(kTwo));
    row("a.json", "[{\"text\": \"one\"},\n {\"text\": \"tw\\u00f6\"}]");
    row("lines.json", kTwo);
    row("misnamed.jsonl", gzip(kTwo));
}

void TestDocuments::readsEveryForm() {
    QFETCH(QByteArray, name);
    QFETCH(QByteArray, content);
    QTemporaryDir directory;
    const auto result = read(directory, name.toStdString(), content.toStdString());
    FAIRY2_OK(result.statistics);
    QCOMPARE(result.texts, (std::vector<std::string>{"one", "tw\xc3\xb6"}));
    QCOMPARE(result.statistics->badRecords, 0);
    QCOMPARE(result.statistics->column, std::string("text"));
    QCOMPARE(result.statistics->textBytes, 7);
}

void TestDocuments::countsBadRecords() {
    QTemporaryDir directory;
    const auto result =
        read(directory, "a.jsonl",
             "{\"text\": \"ok\"}\n{\"text\": 3}\n{\"other\": \"x\"}\nnot json\n[1]\n{\"text\": \"\xff\"}\n"
             "{\"text\": \"a\", \"text\": \"b\"}\n{\"text\": \"ok too\"}");
    FAIRY2_OK(result.statistics);
    QCOMPARE(result.texts, (std::vector<std::string>{"ok", "ok too"}));
    QCOMPARE(result.statistics->badRecords, 6);
    QCOMPARE(result.statistics->problems.size(), std::size_t{6});
    QVERIFY(QString::fromStdString(result.statistics->problems[0])
                .contains("a.jsonl:2: the field 'text' is not"));
}

void TestDocuments::refusesWhatItCannotGuess() {
    QTemporaryDir directory;
    const std::string content = "{\"a\": \"x\", \"b\": \"y\"}\n";
    const auto guessed = read(directory, "a.jsonl", content);
    QVERIFY(!guessed.statistics);
    QCOMPARE(guessed.statistics.error().field, std::string("column"));
    QCOMPARE(guessed.statistics.error().hint, std::string("choose one of: a, b"));
    QCOMPARE(read(directory, "a.jsonl", content, {"b"}).texts, (std::vector<std::string>{"y"}));
    QVERIFY(!read(directory, "a.jsonl", content, {"c"}).statistics);
    QCOMPARE(read(directory, "a.jsonl", "{\"n\": 1, \"only\": \"z\"}").texts,
             (std::vector<std::string>{"z"}));
}

void TestDocuments::refusesCutStreams_data() {
    QTest::addColumn<QByteArray>("name");
    QTest::addColumn<int>("keep"); // percent
    for (const char* name : {"a.jsonl.gz", "a.jsonl.zst"})
        for (const int keep : {20, 50, 90, 99})
            QTest::newRow(qPrintable(QStringLiteral("%1 %2 %").arg(name).arg(keep)))
                << QByteArray(name) << keep;
}

void TestDocuments::refusesCutStreams() {
    QFETCH(QByteArray, name);
    QFETCH(int, keep);
    std::string text;
    for (int i = 0; i < 5000; ++i)
        text += "{\"text\": \"document number " + std::to_string(i * 7919 % 104729) + "\"}\n";
    auto packed = name.endsWith("gz") ? gzip(text) : zstd(text);
    packed.resize(packed.size() * static_cast<std::size_t>(keep) / 100);
    QTemporaryDir directory;
    const auto result = read(directory, name.toStdString(), packed);
    QVERIFY(!result.statistics);
    QCOMPARE(result.statistics.error().code, base::ErrorCode::BadInput);
}

void TestDocuments::skipsLongLines() {
    QTemporaryDir directory;
    const std::string content =
        "{\"text\": \"a\"}\n{\"text\": \"" + std::string(1'000'000, 'x') + "\"}\n{\"text\": \"b\"}\n";
    const auto result = read(directory, "a.jsonl", content, {"", 1000});
    FAIRY2_OK(result.statistics);
    QCOMPARE(result.texts, (std::vector<std::string>{"a", "b"}));
    QCOMPARE(result.statistics->badRecords, 1);
    QCOMPARE(read(directory, "a.jsonl", content).texts.size(), std::size_t{3});
}

void TestDocuments::stopsWhenAsked() {
    QTemporaryDir directory;
    const auto path = base::Path(directory.path().toStdString()) / "a.jsonl";
    FAIRY2_OK(base::writeFileAtomically(path, kTwo));
    int calls = 0;
    FAIRY2_OK(data::readDocuments({path, path}, {}, [&](std::string&&) { return ++calls < 1; }));
    QCOMPARE(calls, 1);
    base::Cancel cancel;
    cancel.request();
    base::Task task;
    task.cancel = &cancel;
    const auto read = data::readDocuments(
        {path}, {}, [](std::string&&) { return true; }, task);
    QVERIFY(!read && read.error().code == base::ErrorCode::Cancelled);
}

void TestDocuments::splitsTextAtSeparators() {
    QTemporaryDir directory;
    QCOMPARE(read(directory, "a.txt", "one\nstill one\n<|endoftext|>\n\n<|endoftext|>\ntwo\n").texts,
             (std::vector<std::string>{"one\nstill one", "two"}));
    QVERIFY(read(directory, "a.txt", "").texts.empty());
}

void TestDocuments::refusesInvalidUtf8() {
    QTemporaryDir directory;
    // Overlong slash, a surrogate, past the end of Unicode, a cut character.
    for (const char* bad : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
        const auto result = read(directory, "a.txt", bad);
        QVERIFY(result.texts.empty());
        QCOMPARE(result.statistics->badRecords, 1);
    }
    QCOMPARE(read(directory, "a.txt", "\xf0\x9f\x99\x82").texts.size(), std::size_t{1});
}

void TestDocuments::findsFilesOfAFolderInOrder() {
    QTemporaryDir directory;
    const auto folder = base::Path(directory.path().toStdString());
    FAIRY2_OK(base::makeDirectories(folder / "sub"));
    for (const char* name : {"b.jsonl", "a.jsonl.gz", "sub/c.txt", "readme.md"})
        FAIRY2_OK(base::writeFileAtomically(folder / name, "x"));
    const auto files = data::findCorpusFiles(folder.string());
    FAIRY2_OK(files);
    QCOMPARE(*files,
             (std::vector<base::Path>{folder / "a.jsonl.gz", folder / "b.jsonl", folder / "sub/c.txt"}));
    QCOMPARE(data::findCorpusFiles((folder / "*.jsonl*").string())->size(), std::size_t{2});
    QVERIFY(!data::findCorpusFiles((folder / "nothing*").string()));
}

void TestDocuments::readsConcatenatedGzipMembers() {
    QTemporaryDir directory;
    QCOMPARE(read(directory, "a.jsonl.gz", gzip(kTwo) + gzip(kTwo)).texts.size(), std::size_t{4});
}

void TestDocuments::countsRealCorpora() {
    FAIRY2_REAL_FILE(dolma, "formats/dolma");
    for (const char* name :
         {"multiple_files__cc_en_head-0091.jsonl", "multiple_files__cc_en_head-0174.jsonl.gz",
          "provided__documents__000.json.gz", "formats__test.jsonl.zst"}) {
        const auto read = data::readDocuments({dolma / name}, {}, [](std::string&&) { return true; });
        FAIRY2_OK(read);
        QVERIFY(read->documents > 0);
        QCOMPARE(read->badRecords, 0);
    }
}

void TestDocuments::readsRealParquet_data() {
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("column");
    QTest::addColumn<int>("documents");
    QTest::addColumn<int>("nulls");
    QTest::addColumn<qint64>("bytes");
    // Counts and bytes as pyarrow reads them (tests/parity/parquet_counts.py).
    QTest::newRow("duckdb/delta_byte_array.parquet c_customer_id")
        << "duckdb/delta_byte_array.parquet"
        << "c_customer_id" << 1000 << 0 << qint64{16000};
    QTest::newRow("duckdb/delta_byte_array.parquet c_login") << "duckdb/delta_byte_array.parquet"
                                                             << "c_login" << 0 << 1000 << qint64{0};
    QTest::newRow("duckdb/delta_byte_array.parquet c_email_address")
        << "duckdb/delta_byte_array.parquet"
        << "c_email_address" << 969 << 31 << qint64{26562};
    QTest::newRow("duckdb/lineitem-top10000.gzip.parquet l_comment")
        << "duckdb/lineitem-top10000.gzip.parquet"
        << "l_comment" << 10000 << 0 << qint64{264992};
    QTest::newRow("duckdb/p2strings.parquet id_string") << "duckdb/p2strings.parquet"
                                                        << "id_string" << 4979 << 0 << qint64{49288};
    QTest::newRow("duckdb/userdata1.parquet comments") << "duckdb/userdata1.parquet"
                                                       << "comments" << 994 << 6 << qint64{6842};
    QTest::newRow("parquet-testing/data/alltypes_plain.snappy.parquet date_string_col")
        << "parquet-testing/data/alltypes_plain.snappy.parquet"
        << "date_string_col" << 2 << 0 << qint64{16};
    QTest::newRow("parquet-testing/data/binary.parquet foo") << "parquet-testing/data/binary.parquet"
                                                             << "foo" << 12 << 0 << qint64{12};
    QTest::newRow("parquet-testing/data/datapage_v2.snappy.parquet a")
        << "parquet-testing/data/datapage_v2.snappy.parquet"
        << "a" << 4 << 1 << qint64{12};
}

void TestDocuments::readsRealParquet() {
    QFETCH(QString, file);
    QFETCH(QString, column);
    FAIRY2_REAL_FILE(formats, "formats");
    const auto read = data::readDocuments({formats / file.toStdString()}, {column.toStdString()},
                                          [](std::string&&) { return true; });
    FAIRY2_OK(read);
    QFETCH(int, documents);
    QFETCH(int, nulls);
    QFETCH(qint64, bytes);
    QCOMPARE(read->documents, documents);
    QCOMPARE(read->badRecords, nulls);
    QCOMPARE(read->textBytes, bytes);
}

void TestDocuments::refusesBadParquet() {
    FAIRY2_REAL_FILE(folder, "formats/parquet-testing/bad_data");
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".parquet") continue;
        const auto columns = data::parquetColumns(entry.path());
        if (!columns) {
            QCOMPARE(columns.error().code, base::ErrorCode::BadInput);
            continue;
        }
        // Those whose schema reads have no usable text in the end: refused by file or counted by record.
        for (const auto& column : *columns) {
            const auto read =
                data::readDocuments({entry.path()}, {column.name}, [](std::string&&) { return true; });
            if (!read) QCOMPARE(read.error().file, entry.path().string());
        }
    }
}

QTEST_APPLESS_MAIN(TestDocuments)
#include "tst_documents.moc"
