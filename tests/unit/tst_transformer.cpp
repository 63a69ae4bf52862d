// SPDX-License-Identifier: Apache-2.0
#include "eval/divergence.h"
#include "eval/perplexity.h"
#include "infer/generate.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <cmath>

using namespace fairy2;

namespace {

base::Path demoFolder() {
    return base::Path(tests::environment("FAIRY2_SOURCE")) / "resources/demo/stories260K";
}

const base::Json& goldens() {
    static const base::Json all = base::readJson(tests::dataFile("infer/goldens.json")).value();
    return all;
}

base::Result<std::shared_ptr<const infer::Transformer>> load(const base::Path& folder, int stages = 0) {
    FAIRY2_ASSIGN(const auto checkpoint, models::Checkpoint::open(folder.string()));
    if (stages == 0) return infer::Transformer::load(*checkpoint);
    quant::ModelRecipe recipe;
    recipe.defaults.stages = stages;
    return infer::Transformer::load(*checkpoint, recipe);
}

// The demo in full precision, opened once.
const infer::Transformer& demo() {
    static const auto model = load(demoFolder()).value();
    return *model;
}

data::TokenRows storyRows() {
    return data::TokenRows::open(tests::dataFile("infer/stories_rows.txt")).value();
}

double largestDifference(std::span<const float> a, std::span<const float> b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    return largest;
}

// Compares with a tolerance in a way that says both numbers.
#define VERIFY_NEAR(actual, expected, tolerance)                                                             \
    QVERIFY2(std::abs((actual) - (expected)) <= (tolerance),                                                 \
             qPrintable(QString("%1 is not %2").arg(actual, 0, 'g', 9).arg(expected, 0, 'g', 9)))

} // namespace

class TestTransformer : public QObject {
    Q_OBJECT
private slots:
    void lossOfTheDemoEqualsPyTorch_data();
    void lossOfTheDemoEqualsPyTorch();
    void lossOfRealModelsEqualsTheirOracle_data();
    void lossOfRealModelsEqualsTheirOracle();
    void smallModelsEqualTransformers_data();
    void smallModelsEqualTransformers();
    void lossOfSmolLm2EqualsPyTorch_data();
    void lossOfSmolLm2EqualsPyTorch();
    void stepsWithACacheEqualTheWholeForward();
    void longRowsAreCutWithoutATrace();
    void greedyTextOfTheDemoIsTheKnownOne();
    void generationStreamsWhatItReturns();
    void generationStopsAtTheEndTokenAndTheContext();
    void sameSeedSameText();
    void aQuantisedTiedHeadLeavesTheEmbedding();
    void loadingReportsAndCancels();
    void idsOutsideTheVocabularyAreRefused();
    void sequencesBeyondTheContextAreRefused();
    void aCacheOfAnotherModelIsRefused();
    void scoringNamesTheRowAndCancels();
    void standardErrorIsThatOfTheRatio();
    void divergenceEqualsPyTorch();
    void divergenceFromItselfIsNothing();
    void divergenceRefusesAndCancels();
};

void TestTransformer::lossOfTheDemoEqualsPyTorch_data() {
    QTest::addColumn<int>("stages");
    for (const int stages : {0, 1, 2, 3})
        QTest::addRow("W%d", stages) << stages;
}

void TestTransformer::lossOfTheDemoEqualsPyTorch() {
    QFETCH(int, stages);
    const auto& golden = goldens()["stories"][stages == 0 ? "fp" : "w" + std::to_string(stages)];
    const auto model = load(demoFolder(), stages);
    FAIRY2_OK(model);
    const auto result = eval::perplexity(**model, storyRows());
    FAIRY2_OK(result);
    QCOMPARE(result->tokensScored, golden["tokens_scored"].get<std::int64_t>());
    VERIFY_NEAR(result->natsPerToken, golden["nats_per_token"].get<double>(), 2e-5);
    VERIFY_NEAR(result->perplexity, std::exp(result->natsPerToken), 1e-9);
    QVERIFY(result->standardError > 0);
}

void TestTransformer::lossOfRealModelsEqualsTheirOracle_data() {
    QTest::addColumn<QString>("tokens");
    QTest::newRow("stories260K") << "oracle_tokens_tok512.txt";
    QTest::newRow("stories260K-bf16") << "oracle_tokens_tok512.txt";
    QTest::newRow("llama2xs") << "oracle_tokens_tok512.txt";
    QTest::newRow("babyllama-tok105") << "oracle_tokens_tok105.txt";
}

void TestTransformer::lossOfRealModelsEqualsTheirOracle() {
    QFETCH(QString, tokens);
    FAIRY2_REAL_FILE(folder, "models");
    const std::string name = QTest::currentDataTag();
    const auto oracle = base::readJson(folder / "ORACLE.json").value()[name];
    const auto model = load(folder / name);
    FAIRY2_OK(model);
    const auto rows = data::TokenRows::open(folder / tokens.toStdString());
    FAIRY2_OK(rows);
    const auto result = eval::perplexity(**model, *rows);
    FAIRY2_OK(result);
    QCOMPARE(result->tokensScored, oracle["tokens_scored"].get<std::int64_t>());
    VERIFY_NEAR(result->natsPerToken, oracle["nll_nats_per_token"].get<double>(), 2e-5);
    if (name != "stories260K") return;
    const auto sharded = load(folder / "stories260K-sharded");
    FAIRY2_OK(sharded);
    QCOMPARE((*sharded)->logits(rows->row(0)).value(), (*model)->logits(rows->row(0)).value());
}

void TestTransformer::smallModelsEqualTransformers_data() {
    QTest::addColumn<bool>("inRepository");
    QTest::newRow("tiny_llama3") << true;
    QTest::newRow("tiny_qwen3") << true;
    QTest::newRow("made_llama3_rope_scaled") << false;
    QTest::newRow("made_qwen3_tied") << false;
}

void TestTransformer::smallModelsEqualTransformers() {
    QFETCH(bool, inRepository);
    const std::string name = QTest::currentDataTag();
    const auto folder =
        inRepository ? tests::dataFile("models/" + name) : tests::realFile("models/tiny-hf-random/" + name);
    if (folder.empty()) QSKIP("needs the real data: set FAIRY2_REALDATA");
    const auto& golden = goldens()["tiny"][name];
    const auto model = load(folder);
    FAIRY2_OK(model);
    const auto ids = golden["ids"].get<std::vector<std::int32_t>>();
    const auto nll = (*model)->nll(ids);
    FAIRY2_OK(nll);
    QCOMPARE(nll->size(), ids.size() - 1);
    double sum = 0;
    for (const float value : *nll)
        sum += static_cast<double>(value);
    VERIFY_NEAR(sum / static_cast<double>(nll->size()), golden["nll_nats_per_token"].get<double>(), 1e-5);

    const auto logits = (*model)->logits(ids);
    FAIRY2_OK(logits);
    const auto vocab = static_cast<std::size_t>((*model)->spec().vocabSize);
    QCOMPARE(logits->size(), ids.size() * vocab);
    const auto last = golden["logits_last"].get<std::vector<double>>();
    for (std::size_t i = 0; i < last.size(); ++i)
        VERIFY_NEAR(static_cast<double>((*logits)[(ids.size() - 1) * vocab + i]), last[i], 1e-4);
    const auto& bestIds = golden["top3_ids"];
    const auto& bestLogits = golden["top3_logits"];
    for (std::size_t row = 0; row < ids.size(); ++row)
        for (std::size_t i = 0; i < 3; ++i)
            VERIFY_NEAR(static_cast<double>((*logits)[row * vocab + bestIds[row][i].get<std::size_t>()]),
                        bestLogits[row][i].get<double>(), 1e-4);
}

void TestTransformer::lossOfSmolLm2EqualsPyTorch_data() {
    QTest::addColumn<int>("stages");
    QTest::newRow("fp") << 0;
    QTest::newRow("w1") << 1;
    QTest::newRow("w2") << 2;
}

void TestTransformer::lossOfSmolLm2EqualsPyTorch() {
    QFETCH(int, stages);
    FAIRY2_REAL_FILE(folder, "models/smollm2-mini-31m");
    const auto model = load(folder, stages);
    FAIRY2_OK(model);
    const auto all = data::TokenRows::open(folder / "val_tokens.safetensors", "web").value();
    std::vector<std::vector<std::int32_t>> rows;
    for (std::int64_t row = 0; row < 4; ++row) {
        const auto first = all.row(row).first(256);
        rows.emplace_back(first.begin(), first.end());
    }
    const auto result = eval::perplexity(**model, data::TokenRows::fromRows(rows));
    FAIRY2_OK(result);
    const auto& golden = goldens()["smollm2"][QTest::currentDataTag()];
    QCOMPARE(result->tokensScored, golden["tokens_scored"].get<std::int64_t>());
    VERIFY_NEAR(result->natsPerToken, golden["nats_per_token"].get<double>(), 2e-5);
}

void TestTransformer::stepsWithACacheEqualTheWholeForward() {
    for (const auto& folder : {demoFolder(), tests::dataFile("models/tiny_qwen3")}) {
        const auto model = load(folder).value();
        const auto ids = goldens()["tiny"]["tiny_qwen3"]["ids"].get<std::vector<std::int32_t>>();
        const auto whole = model->logits(ids).value();
        const auto vocab = static_cast<std::size_t>(model->spec().vocabSize);
        const auto cache = model->makeCache();
        // A prompt of five, then one by one.
        std::size_t fed = 5;
        auto logits = model->step(std::span(ids).first(fed), *cache).value();
        for (;;) {
            VERIFY_NEAR(largestDifference(logits, std::span(whole).subspan((fed - 1) * vocab, vocab)), 0.0,
                        1e-5);
            if (fed == ids.size()) break;
            logits = model->step(std::span(ids).subspan(fed, 1), *cache).value();
            ++fed;
        }
    }
}

void TestTransformer::longRowsAreCutWithoutATrace() {
    FAIRY2_REAL_FILE(folder, "models/smollm2-mini-31m");
    const auto model = load(folder).value();
    const auto all = data::TokenRows::open(folder / "val_tokens.safetensors", "general").value();
    // More than two pieces of the decoder, against a prompt that grows by odd amounts.
    const auto ids = all.row(0).first(1024);
    const auto nll = model->nll(ids).value();
    QCOMPARE(nll.size(), std::size_t{1023});
    const auto cache = model->makeCache();
    std::size_t fed = 0;
    for (const std::size_t length : {1U, 510U, 3U, 507U}) {
        const auto logits = model->step(ids.subspan(fed, length), *cache).value();
        fed += length;
        double sum = 0;
        for (const float logit : logits)
            sum += std::exp(static_cast<double>(logit));
        const auto target = static_cast<std::size_t>(ids[fed]);
        VERIFY_NEAR(static_cast<double>(nll[fed - 1]), std::log(sum) - static_cast<double>(logits[target]),
                    1e-4);
    }
}

void TestTransformer::greedyTextOfTheDemoIsTheKnownOne() {
    const auto tokenizer = text::Tokenizer::open(demoFolder()).value();
    infer::GenerateOptions options;
    options.maxTokens = 200;
    const auto result = infer::generate(demo(), *tokenizer, "", options);
    FAIRY2_OK(result);
    QCOMPARE(result->ids.size(), std::size_t{200});
    QCOMPARE(result->promptTokens, 1);
    QCOMPARE(result->stop, infer::Stop::Length);
    FAIRY2_REAL_FILE(expected, "models/stories260K/expected_greedy_200.txt");
    QCOMPARE(result->text, base::readFile(expected, 4096).value());
}

void TestTransformer::generationStreamsWhatItReturns() {
    const auto tokenizer = text::Tokenizer::open(demoFolder()).value();
    infer::GenerateOptions options;
    options.maxTokens = 20;
    std::string streamed;
    const auto result = infer::generate(demo(), *tokenizer, "Lily went to the", options, {},
                                        [&](const std::string& piece) { streamed += piece; });
    FAIRY2_OK(result);
    QCOMPARE(streamed, result->text);
    QVERIFY2(streamed.starts_with(" "), "the blank before the next word must not get lost");
    auto whole = tokenizer->encode("Lily went to the", true).value();
    whole.insert(whole.end(), result->ids.begin(), result->ids.end());
    QCOMPARE("Lily went to the" + result->text, tokenizer->decode(whole).value());

    base::Cancel cancel;
    base::Task task;
    task.cancel = &cancel;
    const auto stopped = infer::generate(demo(), *tokenizer, "Lily", options, task,
                                         [&](const std::string&) { cancel.request(); });
    QVERIFY(!stopped);
    QCOMPARE(stopped.error().code, base::ErrorCode::Cancelled);
}

void TestTransformer::generationStopsAtTheEndTokenAndTheContext() {
    const auto tokenizer = text::Tokenizer::open(demoFolder()).value();
    infer::GenerateOptions options;
    options.maxTokens = 100000;
    options.stopAtEos = false;
    const auto full = infer::generate(demo(), *tokenizer, "One", options);
    FAIRY2_OK(full);
    QCOMPARE(full->stop, infer::Stop::Context);
    // The last token needs no position: it is not fed.
    QCOMPARE(static_cast<std::int64_t>(full->ids.size()) + full->promptTokens,
             demo().spec().maxPositions + 1);

    // The same model with one of its own words declared the end.
    QTemporaryDir directory;
    const base::Path folder = directory.path().toStdString();
    for (const char* file : {"model.safetensors", "tokenizer.json"})
        std::filesystem::copy_file(demoFolder() / file, folder / file);
    auto config = base::readJson(demoFolder() / "config.json").value();
    config["eos_token_id"] = full->ids[7];
    FAIRY2_OK(base::writeFileAtomically(folder / "config.json", config.dump()));
    const auto model = load(folder);
    FAIRY2_OK(model);
    options.stopAtEos = true;
    const auto ended = infer::generate(**model, *tokenizer, "One", options);
    FAIRY2_OK(ended);
    QCOMPARE(ended->stop, infer::Stop::Eos);
    QVERIFY(ended->ids.size() <= 7);
    QVERIFY(std::equal(ended->ids.begin(), ended->ids.end(), full->ids.begin()));
}

void TestTransformer::sameSeedSameText() {
    const auto tokenizer = text::Tokenizer::open(demoFolder()).value();
    infer::GenerateOptions options;
    options.maxTokens = 40;
    options.temperature = 1;
    options.seed = 11;
    const auto first = infer::generate(demo(), *tokenizer, "A", options).value();
    QCOMPARE(infer::generate(demo(), *tokenizer, "A", options).value().ids, first.ids);
    options.seed = 12;
    QVERIFY(infer::generate(demo(), *tokenizer, "A", options).value().ids != first.ids);
}

void TestTransformer::aQuantisedTiedHeadLeavesTheEmbedding() {
    const auto checkpoint = models::Checkpoint::open(demoFolder().string()).value();
    quant::ModelRecipe recipe;
    recipe.defaults.stages = 0;
    quant::ModelRecipe::Rule rule;
    rule.match = "lm_head";
    rule.stages = 2;
    recipe.rules = {rule};
    const auto model = infer::Transformer::load(*checkpoint, recipe).value();
    const auto rows = storyRows();
    const auto changed = model->logits(rows.row(0)).value();
    const auto plain = demo().logits(rows.row(0)).value();
    QVERIFY(largestDifference(changed, plain) > 0.1);
    // Logits are linear in the head: those of the quantised head are hidden · A_q, hidden · A being
    // untouched.
    QVERIFY(eval::perplexity(*model, rows, 2).value().natsPerToken < 4);
}

void TestTransformer::loadingReportsAndCancels() {
    const auto checkpoint = models::Checkpoint::open(demoFolder().string()).value();
    std::int64_t last = 0;
    base::Task task;
    task.report = [&](std::int64_t done, std::int64_t total, const std::string& what) {
        QCOMPARE(done, last + 1);
        QVERIFY(done <= total && !what.empty());
        last = done;
    };
    FAIRY2_OK(infer::Transformer::load(*checkpoint, {}, task));
    QCOMPARE(last, 1 + 5 * 9 + 1);
    base::Cancel cancel;
    cancel.request();
    task.cancel = &cancel;
    const auto stopped = infer::Transformer::load(*checkpoint, {}, task);
    QVERIFY(!stopped);
    QCOMPARE(stopped.error().code, base::ErrorCode::Cancelled);
}

void TestTransformer::idsOutsideTheVocabularyAreRefused() {
    for (const std::int32_t id : {-1, 512, 2147483647}) {
        const std::vector<std::int32_t> ids = {1, id, 3};
        for (const auto& result :
             {demo().nll(ids), demo().logits(ids), demo().step(ids, *demo().makeCache())}) {
            QVERIFY(!result);
            QCOMPARE(result.error().code, base::ErrorCode::BadInput);
            QVERIFY(result.error().message.find("place 1") != std::string::npos);
        }
    }
    QVERIFY(!demo().step({}, *demo().makeCache()));
    QCOMPARE(demo().nll({}).value().size(), std::size_t{0});
    QCOMPARE(demo().nll(std::vector<std::int32_t>{1}).value().size(), std::size_t{0});
}

void TestTransformer::sequencesBeyondTheContextAreRefused() {
    const std::vector<std::int32_t> ids(513, 5);
    QVERIFY(!demo().nll(ids));
    const auto cache = demo().makeCache();
    QVERIFY(demo().step(std::span(ids).first(512), *cache).has_value());
    const auto beyond = demo().step(std::span(ids).first(1), *cache);
    QVERIFY(!beyond);
    QCOMPARE(beyond.error().field, std::string("max_position_embeddings"));
}

void TestTransformer::aCacheOfAnotherModelIsRefused() {
    const auto other = load(demoFolder(), 1).value();
    const auto cache = other->makeCache();
    QVERIFY(!demo().step(std::vector<std::int32_t>{1}, *cache));
}

void TestTransformer::scoringNamesTheRowAndCancels() {
    const auto rows = data::TokenRows::fromRows({{1, 2, 3}, {1, 600}, {5}});
    const auto refused = eval::perplexity(demo(), rows);
    QVERIFY(!refused);
    QVERIFY2(refused.error().message.starts_with("row 1: "), refused.error().message.c_str());
    QCOMPARE(eval::perplexity(demo(), rows, 1).value().tokensScored, 2);
    QVERIFY(!eval::perplexity(demo(), data::TokenRows::fromRows({{1}, {2}})));

    base::Cancel cancel;
    base::Task task;
    task.cancel = &cancel;
    task.report = [&](std::int64_t done, std::int64_t, const std::string&) {
        if (done == 2) cancel.request();
    };
    const auto stopped = eval::perplexity(demo(), storyRows(), 0, task);
    QVERIFY(!stopped);
    QCOMPARE(stopped.error().code, base::ErrorCode::Cancelled);
}

void TestTransformer::standardErrorIsThatOfTheRatio() {
    // Rows of equal length: the standard error of the mean of 1, 2, 3.
    const auto equal = eval::meanOverRows({10, 20, 30}, {10, 10, 10});
    VERIFY_NEAR(equal.mean, 2.0, 1e-12);
    VERIFY_NEAR(equal.standardError, 1 / std::sqrt(3.0), 1e-12);
    QVERIFY(std::isnan(eval::meanOverRows({10, 0}, {10, 0}).standardError));
    QVERIFY(eval::Perplexity{.standardError = std::nan("")}.toJson()["standard_error"].is_null());
}

void TestTransformer::divergenceEqualsPyTorch() {
    const auto student = load(demoFolder(), 2).value();
    const auto result = eval::divergence(demo(), *student, storyRows());
    FAIRY2_OK(result);
    const auto& golden = goldens()["stories"]["divergence_w2"];
    QCOMPARE(result->positions, golden["positions"].get<std::int64_t>());
    VERIFY_NEAR(result->mean, golden["mean"].get<double>(), 1e-5);
    VERIFY_NEAR(result->p99, golden["p99"].get<double>(), 1e-4);
    VERIFY_NEAR(result->max, golden["max"].get<double>(), 1e-4);
    VERIFY_NEAR(result->top1Agreement, golden["top1_agreement"].get<double>(), 1e-9);
    VERIFY_NEAR(result->teacherLoss, goldens()["stories"]["fp"]["nats_per_token"].get<double>(), 2e-5);
    VERIFY_NEAR(result->studentLoss, goldens()["stories"]["w2"]["nats_per_token"].get<double>(), 2e-5);
}

void TestTransformer::divergenceFromItselfIsNothing() {
    const auto result = eval::divergence(demo(), demo(), storyRows(), 3);
    FAIRY2_OK(result);
    QCOMPARE(result->max, 0.0);
    QCOMPARE(result->top1Agreement, 1.0);
    QVERIFY(eval::divergence(demo(), demo(), storyRows(), 1).value().toJson()["standard_error"].is_null());
}

void TestTransformer::divergenceRefusesAndCancels() {
    const auto other = load(tests::dataFile("models/tiny_llama3")).value();
    const auto unlike = eval::divergence(demo(), *other, storyRows());
    QVERIFY(!unlike);
    QCOMPARE(unlike.error().field, std::string("vocab_size"));
    QVERIFY(!eval::divergence(demo(), demo(), data::TokenRows::fromRows({{1, 600}})));
    QVERIFY(!eval::divergence(demo(), demo(), data::TokenRows::fromRows({{1}})));
    base::Cancel cancel;
    cancel.request();
    base::Task task;
    task.cancel = &cancel;
    QCOMPARE(eval::divergence(demo(), demo(), storyRows(), 0, task).error().code, base::ErrorCode::Cancelled);
}

QTEST_APPLESS_MAIN(TestTransformer)
#include "tst_transformer.moc"
