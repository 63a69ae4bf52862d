// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/threads.h"
#include "base/uuid.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <atomic>

using namespace fairy2;

class TestBase : public QObject {
    Q_OBJECT
private slots:
    void sha256OfKnownText();
    void crc32cOfKnownText();
    void atomicFileLeavesNothingWithoutCommit();
    void writeReplacesWholeFile();
    void readRefusesTooLong();
    void lockIsExclusive();
    void jsonRefuses_data();
    void jsonRefuses();
    void jsonIntegerNamesTheKey();
    void parallelForVisitsEachOnce();
};

namespace {

base::Path folderOf(const QTemporaryDir& directory) {
    return directory.path().toStdString();
}

std::span<const std::byte> asBytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

} // namespace

void TestBase::sha256OfKnownText() {
    // FIPS 180-2, appendix B.1
    QCOMPARE(base::sha256Hex("abc"),
             std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

void TestBase::crc32cOfKnownText() {
    // RFC 3720, appendix B.4: 32 bytes of zeros, and the check value of "123456789".
    QCOMPARE(base::crc32c(asBytes(std::string(32, '\0'))), 0x8a9136aaU);
    QCOMPARE(base::crc32c(asBytes("123456789")), 0xe3069283U);
}

void TestBase::atomicFileLeavesNothingWithoutCommit() {
    QTemporaryDir directory;
    {
        auto file = base::AtomicFile::create(folderOf(directory) / "a");
        FAIRY2_OK(file);
        FAIRY2_OK(file->write("half"));
    }
    QVERIFY(std::filesystem::is_empty(folderOf(directory)));
}

void TestBase::writeReplacesWholeFile() {
    QTemporaryDir directory;
    const auto path = folderOf(directory) / "a";
    FAIRY2_OK(base::writeFileAtomically(path, "long content"));
    FAIRY2_OK(base::writeFileAtomically(path, "short"));
    QCOMPARE(base::readFile(path, 100).value(), std::string("short"));
}

void TestBase::readRefusesTooLong() {
    QTemporaryDir directory;
    const auto path = folderOf(directory) / "a";
    FAIRY2_OK(base::writeFileAtomically(path, "123456"));
    const auto read = base::readFile(path, 5);
    QVERIFY(!read);
    QCOMPARE(read.error().code, base::ErrorCode::BadInput);
    QCOMPARE(read.error().file, path.string());
}

void TestBase::lockIsExclusive() {
    QTemporaryDir directory;
    const auto path = folderOf(directory) / "lock";
    {
        const auto first = base::FileLock::tryLock(path);
        FAIRY2_OK(first);
        QVERIFY(!base::FileLock::tryLock(path));
    }
    FAIRY2_OK(base::FileLock::tryLock(path));
}

void TestBase::jsonRefuses_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("duplicate key") << QByteArray(R"({"a": 1, "b": {"a": 2}, "a": 3})")
                                   << QByteArray("'a' stands twice");
    QTest::newRow("depth") << QByteArray(100000, '[') << QByteArray("nested deeper");
    QTest::newRow("half") << QByteArray(R"({"a": )") << QByteArray("not valid JSON");
    QTest::newRow("nan") << QByteArray("[NaN]") << QByteArray("not valid JSON");
    QTest::newRow("utf8") << QByteArray("[\"\xff\"]") << QByteArray("not valid JSON");
    QTest::newRow("tail") << QByteArray("{} x") << QByteArray("not valid JSON");
    QTest::newRow("zero byte") << QByteArray("{}\0{}", 5) << QByteArray("zero byte");
    QTest::newRow("size") << QByteArray(2 << 20, ' ') << QByteArray("larger than");
}

void TestBase::jsonRefuses() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, says);
    const auto parsed =
        base::parseJson(std::string_view(text.data(), static_cast<std::size_t>(text.size())), "f.json");
    QVERIFY(!parsed);
    QCOMPARE(parsed.error().code, base::ErrorCode::BadInput);
    QVERIFY2(QByteArray::fromStdString(parsed.error().message).contains(says),
             parsed.error().message.c_str());
}

void TestBase::jsonIntegerNamesTheKey() {
    const auto object =
        base::parseJson(R"({"n": 3, "s": "3", "big": 18446744073709551615, "f": 3.0})", "f").value();
    QCOMPARE(base::jsonInteger(object, "n", 0, 10, "f").value(), 3);
    for (const char* key : {"s", "big", "f", "missing"}) {
        const auto value = base::jsonInteger(object, key, 0, 10, "f");
        QVERIFY(!value);
        QCOMPARE(value.error().field, std::string(key));
    }
    QVERIFY(!base::jsonInteger(object, "n", 4, 10, "f"));
}

void TestBase::parallelForVisitsEachOnce() {
    std::vector<std::atomic<int>> visits(1000);
    base::parallelFor(
        1000, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; }, 4);
    for (const auto& count : visits)
        QCOMPARE(count.load(), 1);
}

QTEST_APPLESS_MAIN(TestBase)
#include "tst_base.moc"
