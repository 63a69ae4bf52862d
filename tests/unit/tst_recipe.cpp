// SPDX-License-Identifier: Apache-2.0
#include "quant/recipe.h"
#include "testdata.h"

using namespace fairy2;
using quant::LayerRecipe;
using quant::ModelRecipe;
using quant::ScaleGranularity;

class TestRecipe : public QObject {
    Q_OBJECT
private slots:
    void globs_data();
    void globs();
    void globIsNotExponential();
    void firstMatchingRuleWins();
    void headIsSkippedUnlessAskedFor();
    void survivesJson();
    void readsDefaultsFromAnEmptyObject();
    void refusesBadJson_data();
    void refusesBadJson();
};

namespace {

base::Json parsed(const QByteArray& text) {
    return base::parseJson(text.toStdString(), "recipe.json").value();
}

} // namespace

void TestRecipe::globs_data() {
    QTest::addColumn<QByteArray>("pattern");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<bool>("matches");
    const auto row = [](const char* pattern, const char* text, bool matches) {
        QTest::addRow("'%s' on '%s'", pattern, text) << QByteArray(pattern) << QByteArray(text) << matches;
    };
    row("", "", true);
    row("", "a", false);
    row("*", "", true);
    row("*", "model.layers.0", true);
    row("lm_head", "lm_head", true);
    row("lm_head", "model.lm_head", false);
    row("*.mlp.*", "model.layers.3.mlp.up_proj", true);
    row("*.mlp.*", "model.layers.3.self_attn.q_proj", false);
    row("*layers.?.mlp.down_proj", "model.layers.3.mlp.down_proj", true);
    row("*layers.?.mlp.down_proj", "model.layers.13.mlp.down_proj", false);
    row("*a*b", "xaxbxb", true);
    row("*a*b", "xaxbxc", false);
    row("a**", "a", true);
    row("?", "", false);
    row("Model*", "model.norm", false);
    row("[ab]", "a", false);
}

void TestRecipe::globs() {
    QFETCH(QByteArray, pattern);
    QFETCH(QByteArray, text);
    QFETCH(bool, matches);
    QCOMPARE(quant::globMatches(pattern.toStdString(), text.toStdString()), matches);
}

void TestRecipe::globIsNotExponential() {
    std::string pattern;
    for (int i = 0; i < 200; ++i)
        pattern += "*a";
    QVERIFY(!quant::globMatches(pattern + "b", std::string(2000, 'a')));
}

void TestRecipe::firstMatchingRuleWins() {
    ModelRecipe recipe;
    recipe.defaults = {2, ScaleGranularity::Row, false};
    recipe.rules = {{"*.down_proj", 3, {}, {}},
                    {"*.layers.0.*", {}, ScaleGranularity::Tile64, {}},
                    {"*.v_proj", {}, {}, true}};
    QCOMPARE(recipe.forLayer("model.layers.0.mlp.down_proj"), (LayerRecipe{3, ScaleGranularity::Row, false}));
    QCOMPARE(recipe.forLayer("model.layers.0.self_attn.v_proj"),
             (LayerRecipe{2, ScaleGranularity::Tile64, false}));
    QCOMPARE(recipe.forLayer("model.layers.1.self_attn.v_proj"),
             (LayerRecipe{2, ScaleGranularity::Row, true}));
    QCOMPARE(recipe.forLayer("model.layers.1.mlp.up_proj"), recipe.defaults);
    QVERIFY(!recipe.forLayer("model.layers.1.self_attn.v_proj").quantizes());
}

void TestRecipe::headIsSkippedUnlessAskedFor() {
    ModelRecipe recipe;
    QVERIFY(!recipe.forLayer("lm_head").quantizes());
    recipe.quantizeLmHead = true;
    QVERIFY(recipe.forLayer("lm_head").quantizes());
    recipe.rules = {{"lm_head", {}, {}, true}};
    QVERIFY(!recipe.forLayer("lm_head").quantizes());
    recipe.quantizeLmHead = false;
    recipe.rules = {{"lm_head", 4, {}, {}}};
    QCOMPARE(recipe.forLayer("lm_head").stages, 4);
    QVERIFY(recipe.forLayer("lm_head").quantizes());
    recipe.rules = {{"lm_head", 0, {}, {}}};
    QVERIFY(!recipe.forLayer("lm_head").quantizes());
}

void TestRecipe::survivesJson() {
    const auto json = parsed(R"({"stages": 3, "scale_granularity": "tile64", "quantize_lm_head": true,
        "layers": [{"match": "*.mlp.*", "stages": 1, "scale": "row"}, {"match": "lm_head", "skip": true},
                   {"match": "x"}]})");
    const auto recipe = ModelRecipe::fromJson(json, "recipe.json");
    FAIRY2_OK(recipe);
    QCOMPARE(recipe->defaults, (LayerRecipe{3, ScaleGranularity::Tile64, false}));
    QCOMPARE(recipe->rules.size(), std::size_t{3});
    QCOMPARE(recipe->rules[1].skip, std::optional<bool>(true));
    QVERIFY(recipe->toJson() == json);
}

void TestRecipe::readsDefaultsFromAnEmptyObject() {
    const auto recipe = ModelRecipe::fromJson(parsed("{}"), "recipe.json");
    FAIRY2_OK(recipe);
    QCOMPARE(recipe->defaults, LayerRecipe());
    QVERIFY(!recipe->quantizeLmHead);
}

void TestRecipe::refusesBadJson_data() {
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("field");
    const auto row = [](const char* text, const char* field) {
        QTest::newRow(text) << QByteArray(text) << QByteArray(field);
    };
    row("[]", "");
    row(R"({"stage": 2})", "stage");
    row(R"({"stages": 5})", "stages");
    row(R"({"stages": -1})", "stages");
    row(R"({"stages": 2.0})", "stages");
    row(R"({"stages": null})", "stages");
    row(R"({"scale_granularity": "column"})", "scale_granularity");
    row(R"({"scale_granularity": 1})", "scale_granularity");
    row(R"({"quantize_lm_head": 1})", "quantize_lm_head");
    row(R"({"layers": {}})", "layers");
    row(R"({"layers": ["*"]})", "layers[0]");
    row(R"({"layers": [{"match": "*"}, {"stages": 1}]})", "layers[1].match");
    row(R"({"layers": [{"match": ""}]})", "layers[0].match");
    row(R"({"layers": [{"match": "*", "stages": 9}]})", "layers[0].stages");
    row(R"({"layers": [{"match": "*", "scale": "big"}]})", "layers[0].scale");
    row(R"({"layers": [{"match": "*", "skip": "yes"}]})", "layers[0].skip");
    row(R"({"layers": [{"match": "*", "Stages": 1}]})", "layers[0].Stages");
}

void TestRecipe::refusesBadJson() {
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, field);
    const auto refused = ModelRecipe::fromJson(parsed(text), "recipe.json");
    QVERIFY(!refused);
    QCOMPARE(refused.error().code, base::ErrorCode::BadInput);
    QCOMPARE(refused.error().file, std::string("recipe.json"));
    QCOMPARE(refused.error().field, field.toStdString());
    QVERIFY(!refused.error().message.empty());
}

QTEST_APPLESS_MAIN(TestRecipe)
#include "tst_recipe.moc"
