// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "testdata.h"
#include "text/streamdecoder.h"
#include "text/tokenizer.h"

#include <QStringDecoder>
#include <QTemporaryDir>
#include <map>
#include <numeric>

using namespace fairy2;

namespace {

base::Path demoFolder() {
    return base::Path(tests::environment("FAIRY2_SOURCE")) / "resources/demo/stories260K";
}

const base::Json& goldens() {
    static const base::Json all = base::readJson(tests::dataFile("text/goldens.json")).value();
    return all;
}

std::vector<std::int32_t> idsOf(const base::Json& list) {
    return list.get<std::vector<std::int32_t>>();
}

// Folder of a golden's tokenizer, or empty when the real data is not there.
base::Path folderOf(const std::string& name) {
    return name == "demo" ? demoFolder() : tests::realFile("tokenizers/" + name);
}

// Opening one takes a while, and each serves several tests.
base::Result<std::shared_ptr<const text::Tokenizer>> opened(const base::Path& folder) {
    static std::map<base::Path, std::shared_ptr<const text::Tokenizer>> known;
    auto& entry = known[folder];
    if (entry == nullptr) {
        FAIRY2_ASSIGN(entry, text::Tokenizer::open(folder));
    }
    return entry;
}

bool isUtf8(const std::string& text) {
    QStringDecoder decoder(QStringDecoder::Utf8, QStringDecoder::Flag::Stateless);
    const QString decoded = decoder(QByteArray::fromStdString(text));
    return !decoder.hasError() && !decoded.isNull();
}

std::string streamed(const std::shared_ptr<const text::Tokenizer>& tokenizer,
                     const std::vector<std::int32_t>& prompt, const std::vector<std::int32_t>& ids) {
    auto decoder = text::StreamDecoder::create(*tokenizer, prompt).value();
    std::string joined;
    for (const auto id : ids) {
        const auto piece = decoder.push(id).value();
        if (!piece.empty() && !isUtf8(piece)) return "a piece is not UTF-8";
        joined += piece;
    }
    return joined + decoder.finish().value();
}

} // namespace

class TestTokenizer : public QObject {
    Q_OBJECT
private slots:
    void idsEqualThePythonPackage_data();
    void idsEqualThePythonPackage();
    void decodingEqualsThePythonPackage_data() { idsEqualThePythonPackage_data(); }
    void decodingEqualsThePythonPackage();
    void streamedPiecesJoinToTheWholeText_data() { idsEqualThePythonPackage_data(); }
    void streamedPiecesJoinToTheWholeText();
    void noPieceEndsInsideACharacter();
    void bytesThatNeverFormACharacterAreGivenOutInTheEnd();
    void conformanceTextsHaveTheirPublishedIds_data();
    void conformanceTextsHaveTheirPublishedIds();
    void aVocabularyFolderGivesTheIdsOfItsTokenizerJson();
    void smallVocabularyFolders_data();
    void smallVocabularyFolders();
    void storedTruncationIsSwitchedOff();
    void brokenFilesAreRefused_data();
    void brokenFilesAreRefused();
    void brokenVocabularyFoldersAreRefused_data();
    void brokenVocabularyFoldersAreRefused();
    void aMissingTokenizerSaysWhatToCopy();
    void textThatIsNotUtf8IsRefused();
    void negativeIdsAreRefused();
};

void TestTokenizer::idsEqualThePythonPackage_data() {
    QTest::addColumn<QString>("name");
    for (const auto& [name, golden] : goldens().items())
        QTest::newRow(name.c_str()) << QString::fromStdString(name);
}

#define OPEN_GOLDEN(tokenizer, golden)                                                                       \
    QFETCH(QString, name);                                                                                   \
    const auto folder = folderOf(name.toStdString());                                                        \
    if (folder.empty()) QSKIP("needs the real data: set FAIRY2_REALDATA");                                   \
    const auto result = opened(folder);                                                                      \
    FAIRY2_OK(result);                                                                                       \
    const auto tokenizer = *result;                                                                          \
    const auto& golden = goldens()[name.toStdString()]

void TestTokenizer::idsEqualThePythonPackage() {
    OPEN_GOLDEN(tokenizer, golden);
    QCOMPARE(tokenizer->vocabSize(), golden["vocab_size"].get<std::int64_t>());
    for (const auto& entry : golden["cases"]) {
        const auto text = entry["text"].get<std::string>();
        QCOMPARE(tokenizer->encode(text).value(), idsOf(entry["ids"]));
        QCOMPARE(tokenizer->encode(text, true).value(), idsOf(entry["ids_special"]));
    }
}

void TestTokenizer::decodingEqualsThePythonPackage() {
    OPEN_GOLDEN(tokenizer, golden);
    for (const auto& entry : golden["cases"]) {
        const auto ids = idsOf(entry["ids"]);
        QCOMPARE(tokenizer->decode(ids).value(), entry["decoded"].get<std::string>());
        QCOMPARE(tokenizer->decode(ids, false).value(), entry["decoded_special"].get<std::string>());
    }
}

void TestTokenizer::streamedPiecesJoinToTheWholeText() {
    OPEN_GOLDEN(tokenizer, golden);
    const auto prompt = tokenizer->encode("Before it", true).value();
    const auto promptText = tokenizer->decode(prompt).value();
    for (const auto& entry : golden["cases"]) {
        const auto ids = idsOf(entry["ids"]);
        QCOMPARE(streamed(tokenizer, {}, ids), entry["decoded"].get<std::string>());
        auto whole = prompt;
        whole.insert(whole.end(), ids.begin(), ids.end());
        QCOMPARE(promptText + streamed(tokenizer, prompt, ids), tokenizer->decode(whole).value());
    }
}

void TestTokenizer::noPieceEndsInsideACharacter() {
    // The demo's tokenizer spells these with one token a byte.
    const auto tokenizer = opened(demoFolder()).value();
    const std::string text = "ab 🙂日é";
    const auto ids = tokenizer->encode(text).value();
    QVERIFY(ids.size() > 10);
    auto decoder = text::StreamDecoder::create(*tokenizer).value();
    std::vector<std::string> pieces;
    for (const auto id : ids)
        if (auto piece = decoder.push(id).value(); !piece.empty()) pieces.push_back(std::move(piece));
    QCOMPARE(decoder.finish().value(), std::string());
    QCOMPARE(std::accumulate(pieces.begin(), pieces.end(), std::string()), text);
    for (const auto& piece : pieces)
        QVERIFY2(piece.find("\xef\xbf\xbd") == std::string::npos, piece.c_str());
    for (const char* character : {"🙂", "日", "é"})
        QVERIFY(std::find(pieces.begin(), pieces.end(), character) != pieces.end());
}

void TestTokenizer::bytesThatNeverFormACharacterAreGivenOutInTheEnd() {
    const auto tokenizer = opened(demoFolder()).value();
    const auto sun = tokenizer->encode("日").value();
    const auto firstByte = sun[sun.size() - 3];
    auto decoder = text::StreamDecoder::create(*tokenizer).value();
    QCOMPARE(decoder.push(firstByte).value(), std::string());
    QCOMPARE(decoder.finish().value(), std::string("\xef\xbf\xbd"));
    std::size_t given = 0;
    for (int i = 0; i < 1000; ++i)
        given += decoder.push(firstByte).value().size();
    QVERIFY2(given >= 900 * 3, "a run that cannot be decoded must not be held back for ever");
}

void TestTokenizer::conformanceTextsHaveTheirPublishedIds_data() {
    QTest::addColumn<QString>("baseline");
    QTest::addColumn<QString>("folder");
    QTest::newRow("gpt2") << "openai-community__gpt2"
                          << "gpt2";
    QTest::newRow("qwen") << "Qwen__Qwen2.5-0.5B"
                          << "qwen3-4b-base";
}

void TestTokenizer::conformanceTextsHaveTheirPublishedIds() {
    QFETCH(QString, baseline);
    QFETCH(QString, folder);
    FAIRY2_REAL_FILE(root, "tokenizers/conformance-swift-v1");
    const auto inputs = base::readJson(root / "inputs.json").value();
    const auto expected = base::readJson(root / "baselines" / (baseline.toStdString() + ".json")).value();
    const auto tokenizer = opened(folderOf(folder.toStdString()));
    FAIRY2_OK(tokenizer);
    int compared = 0;
    for (const auto& input : inputs["inputs"]) {
        const auto& entry = expected["entries"][input["id"].get<std::string>()];
        QCOMPARE((*tokenizer)->encode(input["text"].get<std::string>(), true).value(),
                 idsOf(entry["input_ids"]));
        ++compared;
    }
    QVERIFY(compared > 20);
}

void TestTokenizer::aVocabularyFolderGivesTheIdsOfItsTokenizerJson() {
    FAIRY2_REAL_FILE(folder, "tokenizers/gpt2");
    const auto whole = text::Tokenizer::open(folder / "tokenizer.json").value();
    const auto composed = text::Tokenizer::open(folder / "vocab.json");
    FAIRY2_OK(composed);
    QCOMPARE((*composed)->vocabSize(), whole->vocabSize());
    for (const auto& entry : goldens()["gpt2"]["cases"])
        QCOMPARE((*composed)->encode(entry["text"].get<std::string>()).value(), idsOf(entry["ids"]));
}

void TestTokenizer::smallVocabularyFolders_data() {
    QTest::addColumn<QByteArray>("vocabulary");
    QTest::addColumn<QByteArray>("merges");
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<QString>("text");
    QTest::addColumn<QList<int>>("ids");
    const QByteArray vocabulary = R"({"a": 0, "b": 1, "ab": 2, "Ġa": 3, "Ġ": 4, "<|endoftext|>": 5})";
    const QByteArray merges = "#version: 0.2\n\na b\nĠ a\n";
    QTest::newRow("merges join") << vocabulary << merges << QByteArray() << "ab a" << QList<int>{2, 3};
    QTest::newRow("the special token is whole")
        << vocabulary << merges << QByteArray() << "a<|endoftext|>b" << QList<int>{0, 5, 1};
    QTest::newRow("CRLF") << vocabulary << QByteArray("a b\r\nĠ a\r\n") << QByteArray() << "ab"
                          << QList<int>{2};
    QTest::newRow("prefix space") << vocabulary << merges << QByteArray(R"({"add_prefix_space": true})")
                                  << "ab" << QList<int>{4, 2};
    QTest::newRow("BOS and EOS")
        << vocabulary << merges
        << QByteArray(
               R"({"add_bos_token": true, "add_eos_token": true, "bos_token": "<b>", "eos_token": {"content": "<|endoftext|>"}})")
        << "a" << QList<int>{6, 0, 5};
    QTest::newRow("declared added token")
        << vocabulary << merges
        << QByteArray(
               R"({"tokenizer_class": "Qwen2TokenizerFast", "added_tokens_decoder": {"6": {"content": "<x>", "special": true}}})")
        << "a<x>" << QList<int>{0, 6};
}

void TestTokenizer::smallVocabularyFolders() {
    QFETCH(QByteArray, vocabulary);
    QFETCH(QByteArray, merges);
    QFETCH(QByteArray, config);
    QFETCH(QString, text);
    QFETCH(QList<int>, ids);
    QTemporaryDir directory;
    const base::Path folder = directory.path().toStdString();
    FAIRY2_OK(base::writeFileAtomically(folder / "vocab.json", vocabulary.toStdString()));
    FAIRY2_OK(base::writeFileAtomically(folder / "merges.txt", merges.toStdString()));
    if (!config.isEmpty())
        FAIRY2_OK(base::writeFileAtomically(folder / "tokenizer_config.json", config.toStdString()));
    const auto tokenizer = text::Tokenizer::open(folder);
    FAIRY2_OK(tokenizer);
    const auto got = (*tokenizer)->encode(text.toStdString(), true).value();
    QCOMPARE(QList<int>(got.begin(), got.end()), ids);
}

void TestTokenizer::storedTruncationIsSwitchedOff() {
    auto document = base::readJson(demoFolder() / "tokenizer.json").value();
    document["truncation"] = {
        {"direction", "Right"}, {"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}};
    QTemporaryDir directory;
    const base::Path file = base::Path(directory.path().toStdString()) / "tokenizer.json";
    FAIRY2_OK(base::writeFileAtomically(file, document.dump()));
    const auto tokenizer = text::Tokenizer::open(file);
    FAIRY2_OK(tokenizer);
    QVERIFY((*tokenizer)->encode("Once upon a time there was").value().size() > 5);
}

void TestTokenizer::brokenFilesAreRefused_data() {
    QTest::addColumn<QByteArray>("file");
    QTest::addColumn<QByteArray>("content");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("empty") << QByteArray("tokenizer.json") << QByteArray() << QByteArray("tokenizer.json");
    QTest::newRow("not JSON") << QByteArray("tokenizer.json") << QByteArray("{]")
                              << QByteArray("cannot be used");
    QTest::newRow("no model") << QByteArray("tokenizer.json") << QByteArray("{}") << QByteArray("model");
    QTest::newRow("deep") << QByteArray("tokenizer.json") << QByteArray(1000000, '[')
                          << QByteArray("cannot be used");
    QTest::newRow("bad pattern")
        << QByteArray("tokenizer.json")
        << QByteArray(
               R"({"version":"1.0","pre_tokenizer":{"type":"Split","pattern":{"Regex":"(["},"behavior":"Isolated","invert":false},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})")
        << QByteArray("cannot be used");
    QTest::newRow("merge out of vocabulary")
        << QByteArray("tokenizer.json")
        << QByteArray(R"({"version":"1.0","model":{"type":"BPE","vocab":{"a":0},"merges":[["a","b"]]}})")
        << QByteArray("vocabulary");
    QTest::newRow("huge id")
        << QByteArray("tokenizer.json")
        << QByteArray(R"({"version":"1.0","model":{"type":"BPE","vocab":{"a":4294967295},"merges":[]}})")
        << QByteArray("4294967295");
    QTest::newRow("vocabulary is a list")
        << QByteArray("vocab.json") << QByteArray("[1]") << QByteArray("object");
    QTest::newRow("vocabulary id is negative")
        << QByteArray("vocab.json") << QByteArray(R"({"a": -1})") << QByteArray(": a: the id");
    QTest::newRow("vocabulary is empty")
        << QByteArray("vocab.json") << QByteArray("{}") << QByteArray("object");
    QTest::newRow("vocabulary alone")
        << QByteArray("vocab.json") << QByteArray(R"({"a": 1})") << QByteArray("merges.txt");
}

void TestTokenizer::brokenFilesAreRefused() {
    QFETCH(QByteArray, file);
    QFETCH(QByteArray, content);
    QFETCH(QByteArray, says);
    QTemporaryDir directory;
    const base::Path folder = directory.path().toStdString();
    FAIRY2_OK(base::writeFileAtomically(folder / file.toStdString(), content.toStdString()));
    const auto tokenizer = text::Tokenizer::open(folder);
    QVERIFY(!tokenizer);
    QVERIFY2(QByteArray::fromStdString(tokenizer.error().sentence()).contains(says),
             tokenizer.error().sentence().c_str());
}

void TestTokenizer::brokenVocabularyFoldersAreRefused_data() {
    QTest::addColumn<QByteArray>("merges");
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("three pieces") << QByteArray("#version\na b c\n") << QByteArray("{}")
                                  << QByteArray("line 2");
    QTest::newRow("one piece") << QByteArray("ab\n") << QByteArray("{}") << QByteArray("line 1");
    QTest::newRow("not UTF-8") << QByteArray("\xff b\n") << QByteArray("{}") << QByteArray("UTF-8");
    QTest::newRow("another class") << QByteArray("a b\n")
                                   << QByteArray(R"({"tokenizer_class": "RobertaTokenizer"})")
                                   << QByteArray(
                                          "tokenizer_class: vocab.json and merges.txt of a RobertaTokenizer");
    QTest::newRow("gap before an added token")
        << QByteArray("a b\n") << QByteArray(R"({"added_tokens_decoder": {"9": {"content": "<x>"}}})")
        << QByteArray("added_tokens_decoder.9");
    QTest::newRow("added token without content")
        << QByteArray("a b\n") << QByteArray(R"({"added_tokens_decoder": {"3": {}}})")
        << QByteArray("content");
}

void TestTokenizer::brokenVocabularyFoldersAreRefused() {
    QFETCH(QByteArray, merges);
    QFETCH(QByteArray, config);
    QFETCH(QByteArray, says);
    QTemporaryDir directory;
    const base::Path folder = directory.path().toStdString();
    FAIRY2_OK(base::writeFileAtomically(folder / "vocab.json", R"({"a": 0, "b": 1, "ab": 2})"));
    FAIRY2_OK(base::writeFileAtomically(folder / "merges.txt", merges.toStdString()));
    FAIRY2_OK(base::writeFileAtomically(folder / "tokenizer_config.json", config.toStdString()));
    const auto tokenizer = text::Tokenizer::open(folder);
    QVERIFY(!tokenizer);
    QCOMPARE(tokenizer.error().code, base::ErrorCode::BadInput);
    QVERIFY2(QByteArray::fromStdString(tokenizer.error().sentence()).contains(says),
             tokenizer.error().sentence().c_str());
}

void TestTokenizer::aMissingTokenizerSaysWhatToCopy() {
    QTemporaryDir directory;
    const auto tokenizer = text::Tokenizer::open(directory.path().toStdString());
    QVERIFY(!tokenizer);
    QCOMPARE(tokenizer.error().code, base::ErrorCode::NotFound);
    QVERIFY(!tokenizer.error().hint.empty());
}

void TestTokenizer::textThatIsNotUtf8IsRefused() {
    const auto tokenizer = opened(demoFolder()).value();
    const auto ids = tokenizer->encode("ab\xff");
    QVERIFY(!ids);
    QCOMPARE(ids.error().code, base::ErrorCode::BadInput);
}

void TestTokenizer::negativeIdsAreRefused() {
    const auto tokenizer = opened(demoFolder()).value();
    QVERIFY(!tokenizer->decode(std::vector<std::int32_t>{1, -1}));
    QCOMPARE(tokenizer->decode(std::vector<std::int32_t>{2000000000}).value(), std::string());
}

QTEST_APPLESS_MAIN(TestTokenizer)
#include "tst_tokenizer.moc"
