// SPDX-License-Identifier: Apache-2.0
#include "data/shards.h"
#include "testdata.h"
#include "text/tokenizer.h"

#include <QTemporaryDir>

using namespace fairy2;

namespace {

base::Path demo(const char* name) {
    return base::Path(tests::environment("FAIRY2_SOURCE")) / "resources" / "demo" / name;
}

data::PrepareOptions options(std::int64_t shardTokens = 5000) {
    data::PrepareOptions chosen;
    chosen.tokenizer = demo("stories260K");
    chosen.shardTokens = shardTokens;
    return chosen;
}

base::Result<data::ShardIndex> prepare(const base::Path& folder,
                                       const data::PrepareOptions& chosen = options(),
                                       const base::Task& task = {}) {
    return data::prepareShards({demo("stories.txt").string()}, folder, chosen, task);
}

std::map<std::string, std::string> contentOf(const base::Path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().filename() != ".lock")
            files[entry.path().filename().string()] = base::readFile(entry.path(), 1U << 30).value();
    return files;
}

} // namespace

class TestShards : public QObject {
    Q_OBJECT
private slots:
    void holdsEveryDocumentInOrder();
    void readsAcrossShards();
    void goesOnAfterACancelWithTheSameBytes();
    void refusesAFolderOfAnotherCorpus();
    void refusesAShardThatChanged();
    void refusesAnEmptyCorpus();
    void refusesASeparatorOutsideTheVocabulary();
    void countsTheRealCorpora_data();
    void countsTheRealCorpora();
};

void TestShards::holdsEveryDocumentInOrder() {
    QTemporaryDir directory;
    const base::Path folder = directory.path().toStdString();
    const auto index = prepare(folder);
    FAIRY2_OK(index);
    QCOMPARE(index->documents, 250);
    QVERIFY(index->shards.size() > 5);
    QCOMPARE(index->separator, 2); // eos_token_id of the model's config.json
    const auto corpus = data::TokenShards::open(folder);
    FAIRY2_OK(corpus);
    const auto tokenizer = text::Tokenizer::open(options().tokenizer).value();
    std::vector<std::string> texts;
    FAIRY2_OK(data::readDocuments({demo("stories.txt")}, {}, [&](std::string&& text) {
        texts.push_back(std::move(text));
        return true;
    }));
    std::int64_t tokens = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto ids = tokenizer->encode(texts[i]).value();
        QCOMPARE(corpus->document(static_cast<std::int64_t>(i)), ids);
        tokens += static_cast<std::int64_t>(ids.size()) + 1;
    }
    QCOMPARE(corpus->tokens(), tokens);
}

void TestShards::readsAcrossShards() {
    QTemporaryDir directory;
    const base::Path folder = directory.path().toStdString();
    FAIRY2_OK(prepare(folder));
    const auto corpus = data::TokenShards::open(folder).value();
    std::vector<std::int32_t> whole(static_cast<std::size_t>(corpus.tokens()));
    corpus.read(0, whole);
    std::vector<std::int32_t> window(777);
    for (std::int64_t begin = 0; begin + 777 <= corpus.tokens(); begin += 333) {
        corpus.read(begin, window);
        QVERIFY(std::equal(window.begin(), window.end(), whole.begin() + begin));
    }
}

void TestShards::goesOnAfterACancelWithTheSameBytes() {
    QTemporaryDir directory;
    const auto whole = base::Path(directory.path().toStdString()) / "whole";
    const auto parts = base::Path(directory.path().toStdString()) / "parts";
    FAIRY2_OK(prepare(whole));
    // Cancelled after one more shard each time, until nothing is left to do.
    int attempts = 0;
    for (;; ++attempts) {
        QVERIFY(attempts < 100);
        base::Cancel cancel;
        base::Task task;
        task.cancel = &cancel;
        std::size_t before = 0;
        if (std::filesystem::exists(parts)) before = contentOf(parts).size();
        auto chosen = options();
        int documents = 0;
        task.report = [&](std::int64_t, std::int64_t, const std::string&) {
            if (++documents > 1 + attempts / 4 || contentOf(parts).size() > before) cancel.request();
        };
        const auto index = prepare(parts, chosen, task);
        if (index) break;
        QCOMPARE(index.error().code, base::ErrorCode::Cancelled);
    }
    QCOMPARE(contentOf(parts), contentOf(whole));
}

void TestShards::refusesAFolderOfAnotherCorpus() {
    QTemporaryDir directory;
    const base::Path folder = directory.path().toStdString();
    FAIRY2_OK(prepare(folder));
    auto chosen = options();
    chosen.separator = 0;
    const auto again = prepare(folder, chosen);
    QVERIFY(!again);
    QCOMPARE(again.error().code, base::ErrorCode::BadInput);
    FAIRY2_OK(prepare(folder)); // the same one is simply there
}

void TestShards::refusesAShardThatChanged() {
    QTemporaryDir directory;
    const base::Path folder = directory.path().toStdString();
    FAIRY2_OK(prepare(folder));
    auto bytes = base::readFile(folder / "tokens-00001.safetensors", 1U << 30).value();
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    FAIRY2_OK(base::writeFileAtomically(folder / "tokens-00001.safetensors", bytes));
    const auto again = prepare(folder);
    QVERIFY(!again);
    QCOMPARE(again.error().field, std::string("sha256"));
}

void TestShards::refusesAnEmptyCorpus() {
    QTemporaryDir directory;
    const auto file = base::Path(directory.path().toStdString()) / "empty.jsonl";
    FAIRY2_OK(base::writeFileAtomically(file, "\n\n"));
    const auto out = base::Path(directory.path().toStdString()) / "out";
    const auto index = data::prepareShards({file.string()}, out, options());
    QVERIFY(!index);
    QVERIFY(!std::filesystem::exists(out / "index.json"));
}

void TestShards::refusesASeparatorOutsideTheVocabulary() {
    QTemporaryDir directory;
    auto chosen = options();
    chosen.separator = 512;
    const auto index = prepare(directory.path().toStdString(), chosen);
    QVERIFY(!index);
    QCOMPARE(index.error().field, std::string("separator"));
}

void TestShards::countsTheRealCorpora_data() {
    QTest::addColumn<QString>("domain");
    QTest::addColumn<qint64>("tokens");
    QTest::newRow("code") << "code" << qint64{3062145};
}

void TestShards::countsTheRealCorpora() {
    QFETCH(QString, domain);
    QFETCH(qint64, tokens);
    FAIRY2_REAL_FILE(corpora, "corpora");
    FAIRY2_REAL_FILE(tokenizer, "tokenizers/smollm2-135m");
    QTemporaryDir directory;
    data::PrepareOptions chosen;
    chosen.tokenizer = tokenizer;
    chosen.separator = 0;
    const auto index = data::prepareShards({(corpora / (domain.toStdString() + ".jsonl.zst")).string()},
                                           directory.path().toStdString(), chosen);
    FAIRY2_OK(index);
    QCOMPARE(index->tokens, tokens);
    QCOMPARE(index->badRecords, 0);
}

QTEST_APPLESS_MAIN(TestShards)
#include "tst_shards.moc"
