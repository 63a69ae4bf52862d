// SPDX-License-Identifier: Apache-2.0
#include "runs/eventcodec.h"
#include "runs/runlog.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>

using namespace fairy2;
using runs::RunLogWriter;

class TestRunLog : public QObject {
    Q_OBJECT
private slots:
    void scalarsAreExact();
    void documentsComeBack();
    void bytesOfAKnownRecord();
    void cutAtEveryByteKeepsAllWholeRecords();
    void growsWhileItIsRead();
    void everyFlippedByteIsFound();
    void readsOnAfterAHole();
    void smallChunksGiveTheSameRecords();
    void foreignFieldsArePassedOver();
    void namesFollowTheOrderOfMaking();
    void garbageIsNoCrash();
    void aMissingFileIsAnError();
};

namespace {

base::Path folderOf(const QTemporaryDir& directory) {
    return directory.path().toStdString();
}

std::string contentOf(const base::Path& file) {
    return base::readFile(file, 1 << 24).value();
}

void write(const base::Path& file, const std::string& content) {
    std::ofstream(file, std::ios::binary) << content;
}

// A log of `steps` scalar records with a document behind each third; its path.
base::Path sampleLog(const QTemporaryDir& directory, int steps) {
    auto writer = RunLogWriter::create(folderOf(directory), "sample").value();
    for (int step = 1; step <= steps; ++step) {
        if (!writer.scalars(step, {{"loss", 1.0 / step}, {"lr", 1e-3 * step}})) qFatal("write");
        if (step % 3 == 0 &&
            !writer.document(step, {{"type", "line"}, {"text", "line " + std::to_string(step)}}))
            qFatal("write");
    }
    return writer.path();
}

} // namespace

void TestRunLog::scalarsAreExact() {
    QTemporaryDir directory;
    auto writer = RunLogWriter::create(folderOf(directory), "trainer");
    FAIRY2_OK(writer);
    const std::vector<double> values = {0.1,
                                        1e-300,
                                        -0.0,
                                        5.3243141000000003,
                                        std::numeric_limits<double>::infinity(),
                                        std::numeric_limits<double>::denorm_min(),
                                        std::numeric_limits<double>::quiet_NaN()};
    for (std::size_t i = 0; i < values.size(); ++i)
        FAIRY2_OK(writer->scalars(static_cast<std::int64_t>(i) * 1'000'000'007, {{"loss", values[i]}}));
    const auto chunk = runs::readLog(writer->path());
    FAIRY2_OK(chunk);
    QCOMPARE(chunk->records.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto& record = chunk->records[i];
        QCOMPARE(record.step, static_cast<std::int64_t>(i) * 1'000'000'007);
        QCOMPARE(record.scalars.size(), std::size_t{1});
        QCOMPARE(record.scalars[0].first, std::string("loss"));
        QCOMPARE(std::bit_cast<std::uint64_t>(record.scalars[0].second),
                 std::bit_cast<std::uint64_t>(values[i]));
        QVERIFY(record.wallTime > 1.5e9);
    }
}

void TestRunLog::documentsComeBack() {
    QTemporaryDir directory;
    auto writer = RunLogWriter::create(folderOf(directory), "supervisor");
    FAIRY2_OK(writer);
    const base::Json document = {
        {"type", "checkpoint"}, {"step", 5}, {"path", "checkpoints/step-5"}, {"list", {1, 2.5}}};
    FAIRY2_OK(writer->document(5, document, true));
    FAIRY2_OK(writer->document(6, {{"type", "line"}, {"text", "bytes \xff\xfe that are no text"}}));
    const auto chunk = runs::readLog(writer->path());
    FAIRY2_OK(chunk);
    QCOMPARE(chunk->records.size(), std::size_t{2});
    QVERIFY(chunk->records[0].document == document);
    QCOMPARE(chunk->records[0].step, std::int64_t{5});
    QCOMPARE(chunk->records[1].document.value("type", ""), std::string("line"));
}

void TestRunLog::bytesOfAKnownRecord() {
    // What TensorBoard 2.20's own protobuf makes of wall_time 1.5, step 3, {loss: 0.25}; field 101 is ours.
    const auto event = runs::encodeScalars(1.5, 3, {{"loss", 0.25}});
    QCOMPARE(QByteArray::fromStdString(event).toHex(),
             QByteArray("09000000000000f83f10032a170a150a046c6f7373150000803ea906000000000000d03f"));
}

void TestRunLog::cutAtEveryByteKeepsAllWholeRecords() {
    QTemporaryDir directory;
    const auto file = sampleLog(directory, 20);
    const auto content = contentOf(file);
    const auto whole = runs::readLog(file).value();
    QCOMPARE(whole.offset, std::uint64_t{content.size()});
    // Ends of the records, found by walking the lengths.
    std::vector<std::size_t> ends;
    for (std::size_t at = 0; at < content.size();) {
        std::uint64_t length = 0;
        std::memcpy(&length, content.data() + at, 8);
        at += 16 + length;
        ends.push_back(at);
    }
    QCOMPARE(ends.size(), whole.records.size() + 1); // the version record carries nothing
    const auto cut = folderOf(directory) / "cut";
    for (std::size_t size = 0; size <= content.size(); ++size) {
        write(cut, content.substr(0, size));
        const auto chunk = runs::readLog(cut);
        QVERIFY(chunk.has_value());
        const auto wholeRecords = static_cast<std::size_t>(
            std::count_if(ends.begin(), ends.end(), [&](auto end) { return end <= size; }));
        QCOMPARE(chunk->records.size(), wholeRecords > 0 ? wholeRecords - 1 : 0);
        QCOMPARE(chunk->offset, std::uint64_t{wholeRecords > 0 ? ends[wholeRecords - 1] : 0});
        QCOMPARE(chunk->damaged, std::int64_t{0});
        QVERIFY(!chunk->brokenTail);
    }
}

void TestRunLog::growsWhileItIsRead() {
    QTemporaryDir directory;
    const auto content = contentOf(sampleLog(directory, 30));
    const auto growing = folderOf(directory) / "growing";
    std::uint64_t offset = 0;
    std::vector<std::int64_t> steps;
    for (std::size_t size = 0; size <= content.size(); size = std::min(size + 7, content.size())) {
        write(growing, content.substr(0, size));
        const auto chunk = runs::readLog(growing, offset).value();
        for (const auto& record : chunk.records)
            if (!record.scalars.empty()) steps.push_back(record.step);
        offset = chunk.offset;
        if (size == content.size()) break;
    }
    QCOMPARE(steps.size(), std::size_t{30});
    for (std::size_t i = 0; i < steps.size(); ++i)
        QCOMPARE(steps[i], static_cast<std::int64_t>(i) + 1);
}

void TestRunLog::everyFlippedByteIsFound() {
    QTemporaryDir directory;
    const auto file = sampleLog(directory, 12);
    const auto content = contentOf(file);
    const auto whole = runs::readLog(file).value();
    const auto flipped = folderOf(directory) / "flipped";
    for (std::size_t at = 0; at < content.size(); ++at) {
        auto broken = content;
        broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
        write(flipped, broken);
        const auto chunk = runs::readLog(flipped).value();
        // Exactly the record that holds the byte is gone, and its loss is known.
        const bool isVersion = chunk.records.size() == whole.records.size();
        QVERIFY2(chunk.records.size() + (isVersion ? 0 : 1) == whole.records.size(),
                 qPrintable(QString::number(at)));
        QVERIFY2(chunk.damaged + (chunk.brokenTail ? 1 : 0) == 1, qPrintable(QString::number(at)));
        for (const auto& record : chunk.records)
            if (!record.scalars.empty())
                QCOMPARE(record.scalars[0].second, 1.0 / static_cast<double>(record.step));
    }
}

void TestRunLog::readsOnAfterAHole() {
    QTemporaryDir directory;
    const auto content = contentOf(sampleLog(directory, 20));
    const auto holed = folderOf(directory) / "holed";
    auto broken = content;
    for (std::size_t at = 200; at < 400; ++at)
        broken[at] = '\0';
    write(holed, broken);
    const auto chunk = runs::readLog(holed).value();
    QVERIFY(chunk.damaged > 0);
    QVERIFY(!chunk.records.empty());
    QCOMPARE(chunk.records.back().step, std::int64_t{20});
    QCOMPARE(chunk.offset, std::uint64_t{content.size()});
}

void TestRunLog::smallChunksGiveTheSameRecords() {
    QTemporaryDir directory;
    auto writer = RunLogWriter::create(folderOf(directory), "large").value();
    const std::string text(2 << 20, 'x');
    for (int step = 1; step <= 20; ++step)
        FAIRY2_OK(writer.document(step, {{"type", "line"}, {"text", text}}));
    std::uint64_t offset = 0;
    std::size_t records = 0;
    std::size_t chunks = 0;
    for (bool atEnd = false; !atEnd; ++chunks) {
        const auto chunk = runs::readLog(writer.path(), offset, 1000).value();
        QVERIFY(chunk.offset > offset || chunk.atEnd);
        offset = chunk.offset;
        records += chunk.records.size();
        atEnd = chunk.atEnd;
    }
    QCOMPARE(records, std::size_t{20});
    QVERIFY(chunks > 1);
}

void TestRunLog::foreignFieldsArePassedOver() {
    auto event = runs::encodeScalars(2.0, 7, {{"loss", 3.0}});
    event += std::string("\xba\x06\x03zzz", 6); // field 103, bytes
    event += std::string("\xc0\x06\x2a", 3);    // field 104, varint
    const auto record = runs::decodeEvent(event);
    QVERIFY(record.has_value());
    QCOMPARE(record->step, std::int64_t{7});
    QCOMPARE(record->scalars[0].second, 3.0);
    // Scalars of other writers come as float only.
    const std::string foreign("\x10\x01\x2a\x0d\x0a\x0b\x0a\x04loss\x15\x00\x00\x80\x3e", 17);
    QCOMPARE(runs::decodeEvent(foreign)->scalars[0].second, 0.25);
}

void TestRunLog::namesFollowTheOrderOfMaking() {
    QTemporaryDir directory;
    const auto future = folderOf(directory) / "events.out.tfevents.4000000000.host.1.trainer";
    write(future, "");
    std::vector<base::Path> made = {future};
    for (int i = 0; i < 5; ++i)
        made.push_back(RunLogWriter::create(folderOf(directory), "trainer").value().path());
    QVERIFY(runs::logFiles(folderOf(directory)) == made);
    QVERIFY(runs::logFiles(folderOf(directory) / "absent").empty());
}

void TestRunLog::garbageIsNoCrash() {
    QTemporaryDir directory;
    const auto file = folderOf(directory) / "garbage";
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        std::string bytes(static_cast<std::size_t>(random() % 2000), '\0');
        for (auto& byte : bytes)
            byte = static_cast<char>(random() % (round % 2 == 0 ? 256 : 4));
        write(file, bytes);
        const auto chunk = runs::readLog(file);
        FAIRY2_OK(chunk);
        QVERIFY(chunk->offset <= bytes.size());
        static_cast<void>(runs::decodeEvent(bytes));
    }
}

void TestRunLog::aMissingFileIsAnError() {
    const auto chunk = runs::readLog("/nonexistent/log");
    QVERIFY(!chunk);
    QCOMPARE(chunk.error().code, base::ErrorCode::NotFound);
}

QTEST_APPLESS_MAIN(TestRunLog)
#include "tst_runlog.moc"
