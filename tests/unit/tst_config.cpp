// SPDX-License-Identifier: Apache-2.0
#include "config/compose.h"
#include "config/composer.h"
#include "config/interpolation.h"
#include "config/nearest.h"
#include "config/yamlreader.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <fstream>

using namespace fairy2;

class TestConfig : public QObject {
    Q_OBJECT
private slots:
    void overrides_data();
    void overrides();
    void yamlScalars_data();
    void yamlScalars();
    void yamlIsRefused_data();
    void yamlIsRefused();
    void bombsAreRefused_data();
    void bombsAreRefused();
    void aliasesAndMergeKeys();
    void interpolations_data();
    void interpolations();
    void interpolationsGrowOnlySoFar();
    void sourcesNameFileAndLine();
    void shippedConfigurationsCompose_data();
    void shippedConfigurationsCompose();
    void seedCommandLines_data();
    void seedCommandLines();
    void refusalsNameTheKey_data();
    void refusalsNameTheKey();
    void everyKeyHasHelpAndAFittingDefault();
    void nearestName();
};

namespace {

QByteArray bytes(const std::string& text) {
    return QByteArray::fromStdString(text);
}
std::string text(const QByteArray& bytes) {
    return bytes.toStdString();
}

// A small folder of configurations with the shape of a Hydra project.
class Folder {
public:
    Folder() {
        write("config.yaml", "defaults:\n  - db: mysql\n  - _self_\n"
                             "a: 1\nb: text\nc: {x: 1, y: [1, 2]}\nnone: null\nflag: true\nref: ${a}\n");
        write("db/mysql.yaml", "driver: mysql\nport: 3306\n");
        write("db/postgres.yaml", "driver: postgres\nport: 5432\nuser: me\n");
        write("server/apache.yaml", "host: localhost\n");
        write("list.yaml", "defaults:\n  - db: [mysql, postgres]\n  - optional server: absent\n");
    }
    void write(const std::string& name, const std::string& content) {
        const auto path = root() / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << content;
    }
    [[nodiscard]] base::Path root() const { return base::Path(m_directory.path().toStdString()) / "conf"; }

    base::Result<config::Node> compose(const std::string& primary,
                                       const std::vector<std::string>& overrides) {
        config::Repository repository(root());
        std::vector<config::Override> parsed;
        for (const auto& text : overrides) {
            FAIRY2_ASSIGN(auto override, config::parseOverride(text));
            parsed.push_back(std::move(override));
        }
        FAIRY2_ASSIGN(const auto tree, config::composeTree(repository, primary, parsed));
        return config::resolve(tree);
    }

private:
    QTemporaryDir m_directory;
};

} // namespace

void TestConfig::overrides_data() {
    QTest::addColumn<QByteArray>("override");
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<QByteArray>("expected"); // JSON of that key, or a part of the refusal
    const auto sets = [](const char* override, const char* key, const char* json) {
        QTest::newRow(override) << QByteArray(override) << QByteArray(key) << QByteArray(json);
    };
    const auto refuses = [](const char* override, const char* why) {
        QTest::newRow(override) << QByteArray(override) << QByteArray() << QByteArray(why);
    };
    sets("a=2", "a", "2");
    sets("a=-3", "a", "-3");
    sets("a=+4", "a", "4");
    sets("a=1_000", "a", "1000");
    sets("a=007", "a", "\"007\"");
    sets("a=1e3", "a", "1000.0");
    sets("a=1.", "a", "1.0");
    sets("a=.5", "a", "0.5");
    sets("a=-2.5e-3", "a", "-0.0025");
    sets("a=1e5x", "a", "\"1e5x\"");
    sets("a=true", "a", "true");
    sets("a=FALSE", "a", "false");
    sets("a=null", "a", "null");
    sets("a=NuLL", "a", "null");
    sets("a=nully", "a", "\"nully\"");
    sets("a=", "a", "\"\"");
    sets("a=hello", "a", "\"hello\"");
    sets("a=hello world", "a", "\"hello world\"");
    sets("a= padded ", "a", "\"padded\"");
    sets("a='1'", "a", "\"1\"");
    sets("a=\"x, y\"", "a", "\"x, y\"");
    sets("a='it\\'s'", "a", "\"it's\"");
    sets("a='back\\\\'", "a", "\"back\\\\\"");
    sets("a='keep \\n'", "a", "\"keep \\\\n\"");
    sets("a=a\\,b", "a", "\"a,b\"");
    sets("a=\\(x\\)", "a", "\"(x)\"");
    sets("a=a:b", "a", "\"a:b\"");
    sets("a=http://h/x?y", "a", "\"http://h/x?y\"");
    sets("a=/path/to-a_file.txt", "a", "\"/path/to-a_file.txt\"");
    sets("a=10%", "a", "\"10%\"");
    sets("a=[]", "a", "[]");
    sets("a=[1,2.5,x,null,true]", "a", "[1,2.5,\"x\",null,true]");
    sets("a=[ 1 , 'b c' , [2] ]", "a", "[1,\"b c\",[2]]");
    sets("a={}", "a", "{}");
    sets("a={x:1,y:{z:[1]}}", "a", R"({"x":1,"y":{"z":[1]}})");
    sets("a={x: 1, y : two}", "a", R"({"x":1,"y":"two"})");
    sets("c={x:5}", "c", R"({"x":5,"y":[1,2]})");
    sets("c.y=[9]", "c", R"({"x":1,"y":[9]})");
    sets("c.y.1=7", "c.y", "[1,7]");
    sets("c.x=${b}", "c.x", "\"text\"");
    sets("b=pre_${a}", "b", "\"pre_1\"");
    sets("+new=1", "new", "1");
    sets("+deep.er.key=1", "deep", R"({"er":{"key":1}})");
    sets("+c.z=3", "c.z", "3");
    sets("+none=1", "none", "1");
    sets("++a=5", "a", "5");
    sets("++fresh.x=5", "fresh.x", "5");
    sets(
        "~b", "",
        R"({"a":1,"c":{"x":1,"y":[1,2]},"db":{"driver":"mysql","port":3306},"flag":true,"none":null,"ref":1})");
    sets("~c.y", "c", R"({"x":1})");
    sets("~flag=true", "b", "\"text\"");
    sets("~db", "b", "\"text\"");
    sets("~db=mysql", "b", "\"text\"");
    sets("db=postgres", "db", R"({"driver":"postgres","port":5432,"user":"me"})");
    sets("db=[mysql,postgres]", "db", R"({"driver":"postgres","port":5432,"user":"me"})");
    sets("db.port=1", "db.port", "1");
    sets("+server=apache", "server", R"({"host":"localhost"})");
    sets("+server@web.first=apache", "web", R"({"first":{"host":"localhost"}})");
    sets("+db@backup=postgres", "backup.port", "5432");
    sets("a=int(3.7)", "a", "3");
    sets("a=float(3)", "a", "3.0");
    sets("a=str(12)", "a", "\"12\"");
    sets("a=bool('true')", "a", "true");
    sets("a=int([1.5,'2'])", "a", "[1,2]");
    sets("a=sort([3,1,2])", "a", "[1,2,3]");
    sets("a=sort([b,a],reverse=true)", "a", "[\"b\",\"a\"]");
    sets("a=inf", "b", "\"text\"");
    refuses("a", "'=' was expected");
    refuses("=1", "a key was expected");
    refuses("a=[1", "']' was expected");
    refuses("a={x}", "':' was expected");
    refuses("a={x:1", "'}' was expected");
    refuses("a='open", "not closed");
    refuses("a=x]", "unexpected");
    refuses("a=nofunction(1)", "no function");
    refuses("a=1,2", "several values");
    refuses("a=choice(1,2)", "several values");
    refuses("a=99999999999999999999", "64 bits");
    refuses("aa=1", "no such key");
    refuses("c.q=1", "no such key");
    refuses("c={q:1}", "no such key");
    refuses("c=[1]", "cannot be merged");
    refuses("+a=5", "has a value already");
    refuses("~nothing", "no such key to delete");
    refuses("~a=2", "the value is 1");
    refuses("~db=postgres", "cannot be deleted");
    refuses("db=oracle", "no option 'oracle'");
    refuses("db=null", "an option of a group is a name");
    refuses("server=apache", "in no defaults list");
    refuses("db@other=mysql", "in no defaults list");
    refuses("++db=mysql", "++ is for values");
    refuses("b=${nowhere}", "no key 'nowhere'");
    refuses("b=${b}", "comes back to itself");
}

void TestConfig::overrides() {
    QFETCH(QByteArray, override);
    QFETCH(QByteArray, key);
    QFETCH(QByteArray, expected);
    Folder folder;
    const auto composed = folder.compose("config", {text(override)});
    const bool refused = key.isEmpty() && !expected.startsWith('{');
    if (refused) {
        QVERIFY2(!composed, composed ? composed->toJson().dump().c_str() : "");
        QVERIFY2(bytes(composed.error().sentence()).contains(expected), composed.error().sentence().c_str());
        return;
    }
    FAIRY2_OK(composed);
    const auto* node = key.isEmpty() ? &*composed : composed->select(text(key));
    QVERIFY(node != nullptr);
    QCOMPARE(bytes(node->toJson().dump()), bytes(base::Json::parse(text(expected)).dump()));
}

void TestConfig::yamlScalars_data() {
    QTest::addColumn<QByteArray>("yaml");
    QTest::addColumn<QByteArray>("json");
    // Answers of OmegaConf 2.3 (PyYAML with YAML 1.1 rules and a wider float).
    const std::vector<std::pair<const char*, const char*>> rows = {
        {"on", "true"},
        {"Off", "false"},
        {"yes", "true"},
        {"NO", "false"},
        {"y", "\"y\""},
        {"True", "true"},
        {"tRue", "\"tRue\""},
        {"~", "null"},
        {"", "null"},
        {"Null", "null"},
        {"017", "15"},
        {"08", "\"08\""},
        {"0o17", "\"0o17\""},
        {"0x1F", "31"},
        {"0b101", "5"},
        {"1_000", "1000"},
        {"-7", "-7"},
        {"+7", "7"},
        {"1:30", "90"},
        {"1:30.5", "90.5"},
        {"1e3", "1000.0"},
        {"1e-3", "0.001"},
        {"1.", "1.0"},
        {".5", "0.5"},
        {"1.5e+3", "1500.0"},
        {"1.e5", "100000.0"},
        {"e5", "\"e5\""},
        {"2026-11-23", "\"2026-11-23\""},
        {"'on'", "\"on\""},
        {"\"1\"", "\"1\""},
        {"!!str 1", "\"1\""},
        {"!!float 1", "1.0"},
        {"-", "[null]"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"}};
    for (const auto& [yaml, json] : rows)
        QTest::newRow(yaml) << QByteArray(yaml) << QByteArray(json);
}

void TestConfig::yamlScalars() {
    QFETCH(QByteArray, yaml);
    QFETCH(QByteArray, json);
    const std::string separator = yaml == "-" ? "k:\n  " : "k: ";
    const auto tree = config::parseYaml(separator + text(yaml) + "\n", "t.yaml");
    FAIRY2_OK(tree);
    QCOMPARE(bytes(tree->child("k")->toJson().dump()), bytes(base::Json::parse(text(json)).dump()));
}

void TestConfig::yamlIsRefused_data() {
    QTest::addColumn<QByteArray>("yaml");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("duplicate key") << QByteArray("a: 1\nb: 2\na: 3\n")
                                   << QByteArray("t.yaml:3: the key 'a' stands twice");
    QTest::newRow("foreign tag") << QByteArray("a: !!python/object:os.system x\n")
                                 << QByteArray("t.yaml:1: the tag");
    QTest::newRow("two documents") << QByteArray("a: 1\n---\nb: 2\n") << QByteArray("more than one document");
    QTest::newRow("list as key") << QByteArray("? [a]\n: 1\n") << QByteArray("cannot be a key");
    QTest::newRow("alias in its own value") << QByteArray("a: &x [*x]\n") << QByteArray("inside the value");
    QTest::newRow("merge of a scalar") << QByteArray("<<: 1\n") << QByteArray("<< needs a map");
    QTest::newRow("broken") << QByteArray("a: [1\nb: 2\n") << QByteArray("not valid YAML");
    QTest::newRow("not UTF-8") << QByteArray("a: \xff\n") << QByteArray("not UTF-8");
    QTest::newRow("UTF-16") << QByteArray("\xff\xfe"
                                          "a\0:\0",
                                          6)
                            << QByteArray("not UTF-8");
    QTest::newRow("control character") << QByteArray("a: 1\n\x04 b: 2\n") << QByteArray("not UTF-8");
    QTest::newRow("integer of 65 bits") << QByteArray("a: 9223372036854775808\n") << QByteArray("64 bits");
}

void TestConfig::yamlIsRefused() {
    QFETCH(QByteArray, yaml);
    QFETCH(QByteArray, says);
    const auto tree = config::parseYaml({yaml.constData(), static_cast<std::size_t>(yaml.size())}, "t.yaml");
    QVERIFY(!tree);
    QCOMPARE(tree.error().code, base::ErrorCode::BadInput);
    QVERIFY2(bytes(tree.error().sentence()).contains(says), tree.error().sentence().c_str());
}

void TestConfig::bombsAreRefused_data() {
    QTest::addColumn<QByteArray>("yaml");
    QByteArray laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 10; ++i) {
        const auto before = "*a" + QByteArray::number(i - 1);
        laughs += "a" + QByteArray::number(i) + ": &a" + QByteArray::number(i) + " [" + before;
        for (int j = 1; j < 10; ++j)
            laughs += "," + before;
        laughs += "]\n";
    }
    QTest::newRow("10^10 by aliases") << laughs;
    QTest::newRow("depth 10^5, flow") << QByteArray("a: ") + QByteArray(100000, '[');
    QTest::newRow("depth 10^5, flow maps") << QByteArray("a: ") + QByteArray(100000, '{');
    QByteArray blocks;
    for (int i = 0; i < 1000; ++i)
        blocks += QByteArray(i, ' ') + "a:\n";
    QTest::newRow("depth 1000, block") << blocks;
    QByteArray keys;
    for (int i = 0; i < 80000; ++i)
        keys += "k" + QByteArray::number(i) + ": 1\n";
    QTest::newRow("80 000 keys") << keys;
    QTest::newRow("2 MiB of text") << "a: " + QByteArray(2 << 20, 'x');
    QTest::newRow("10^5 dashes") << QByteArray("- ").repeated(50000);
    QTest::newRow("10^5 question marks") << QByteArray("? ").repeated(50000);
    QTest::newRow("10^5 anchors") << QByteArray("&a ").repeated(50000);
}

void TestConfig::bombsAreRefused() {
    QFETCH(QByteArray, yaml);
    const auto tree =
        config::parseYaml({yaml.constData(), static_cast<std::size_t>(yaml.size())}, "bomb.yaml");
    QVERIFY(!tree);
    QCOMPARE(tree.error().code, base::ErrorCode::BadInput);
}

void TestConfig::aliasesAndMergeKeys() {
    const auto tree = config::parseYaml("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\n"
                                        "one: {<<: *b, y: 9}\ntwo: {<<: [*b, *o], w: *b}\n",
                                        "t.yaml");
    FAIRY2_OK(tree);
    QCOMPARE(bytes(tree->child("one")->toJson().dump()), QByteArray(R"({"x":1,"y":9})"));
    QCOMPARE(bytes(tree->child("two")->toJson().dump()),
             QByteArray(R"({"w":{"x":1,"y":2},"x":1,"y":2,"z":4})"));
}

void TestConfig::interpolations_data() {
    QTest::addColumn<QByteArray>("value");
    QTest::addColumn<QByteArray>("expected"); // JSON, or "!" and a part of the refusal
    const std::vector<std::pair<const char*, const char*>> rows = {
        {"${a}", "1"},
        {"${a}${a}", "\"11\""},
        {"${m.x}", "2"},
        {"${m}", R"({"l":[10,20],"sib":2,"up":1,"x":2})"},
        {"${m.l[1]}", "20"},
        {"${m.l.0}", "10"},
        {"${m[x]}", "2"},
        {"${m.sib}", "2"},
        {"${m.up}", "1"},
        {"${${name}}", "1"},
        {"${m.${key}}", "2"},
        {"x${t}y", "\"xTruey\""},
        {"${t}", "true"},
        {"v=${f}", "\"v=1e-05\""},
        {"${n}", "null"},
        {"<${n}>", "\"<None>\""},
        {R"(\${a})", "\"${a}\""},
        {R"(\\${a})", R"("\\1")"},
        {R"(c:\dir)", R"("c:\\dir")"},
        {"${oc.env:FAIRY2_TEST_VARIABLE}", "\"from outside\""},
        {"${oc.env:FAIRY2_TEST_ABSENT,fallback}", "\"fallback\""},
        {"${oc.env:FAIRY2_TEST_ABSENT,12}", "\"12\""},
        {"${oc.env:FAIRY2_TEST_ABSENT,null}", "null"},
        {"${oc.env:FAIRY2_TEST_ABSENT,'a, b'}", "\"a, b\""},
        {"${oc.env:FAIRY2_TEST_ABSENT,${name}}", "\"a\""},
        {"${oc.env:FAIRY2_TEST_ABSENT}", "!is not set"},
        {"${oc.decode:'[1,2]'}", "[1,2]"},
        {"${oc.decode:'${a}'}", "1"},
        {"${oc.select:nothing,5}", "5"},
        {"${oc.select:m.x}", "2"},
        {"${oc.create:{p:1,q:[a]}}", R"({"p":1,"q":["a"]})"},
        {"${oc.dict.keys:m}", R"(["l","sib","up","x"])"},
        {"${nothing}", "!no key 'nothing'"},
        {"${value}", "!comes back to itself"},
        {"${a", "!'}' was expected"},
        {"${}", "!a key was expected"},
        {"${.....a}", "!climbs above the root"},
        {"${no.such:1}", "!no resolver"},
        {"${missing}", "!still to be given"},
    };
    for (const auto& [value, expected] : rows)
        QTest::newRow(value) << QByteArray(value) << QByteArray(expected);
}

void TestConfig::interpolations() {
    QFETCH(QByteArray, value);
    QFETCH(QByteArray, expected);
    qputenv("FAIRY2_TEST_VARIABLE", "from outside");
    auto tree = config::parseYaml("a: 1\nname: a\nkey: x\nt: true\nn: null\nf: 0.00001\nmissing: '\?\?\?'\n"
                                  "m: {x: 2, l: [10, 20], sib: '${.x}', up: '${..a}'}\n",
                                  "t.yaml");
    FAIRY2_OK(tree);
    tree->set("value", config::Node::of(text(value), "t.yaml:9"));
    const auto resolved = config::resolve(*tree);
    if (expected.startsWith('!')) {
        QVERIFY(!resolved);
        QVERIFY2(bytes(resolved.error().sentence()).contains(expected.mid(1)),
                 resolved.error().sentence().c_str());
        QCOMPARE(resolved.error().file, std::string("t.yaml:9"));
        return;
    }
    FAIRY2_OK(resolved);
    QCOMPARE(bytes(resolved->child("value")->toJson().dump()), expected);
}

void TestConfig::interpolationsGrowOnlySoFar() {
    std::string texts = "t0: xxxxxxxxxx\nm0: {a: 1, b: 2}\n";
    for (int i = 1; i < 40; ++i) {
        const auto before = std::to_string(i - 1);
        texts += "t" + std::to_string(i) + ": ${t" + before + "}${t" + before + "}\n";
        texts += "m" + std::to_string(i) + ": {a: '${m" + before + "}', b: '${m" + before + "}'}\n";
    }
    const auto tree = config::parseYaml(texts, "t.yaml");
    FAIRY2_OK(tree);
    QVERIFY(!config::resolve(*tree));
}

void TestConfig::sourcesNameFileAndLine() {
    Folder folder;
    const auto composed = folder.compose("config", {"c.x=4", "db=postgres"});
    FAIRY2_OK(composed);
    const auto sources = composed->sources();
    QCOMPARE(sources.at("a"), std::string("conf/config.yaml:4"));
    QCOMPARE(sources.at("ref"), std::string("conf/config.yaml:9"));
    QCOMPARE(sources.at("c.x"), std::string("override"));
    QCOMPARE(sources.at("c.y"), std::string("conf/config.yaml:6"));
    QCOMPARE(sources.at("db.user"), std::string("conf/db/postgres.yaml:3"));
}

void TestConfig::shippedConfigurationsCompose_data() {
    QTest::addColumn<QByteArray>("override");
    for (const char* group : {"model", "training", "data", "distributed", "launcher"}) {
        const auto options = config::groupOptions(group);
        FAIRY2_OK(options);
        for (const auto& option : *options) {
            const auto override = QByteArray(group) + "=" + bytes(option);
            QTest::newRow(override) << override;
        }
    }
}

void TestConfig::shippedConfigurationsCompose() {
    QFETCH(QByteArray, override);
    const auto composed = config::compose({text(override)});
    FAIRY2_OK(composed);
    const auto group = text(override.left(override.indexOf('=')));
    const auto option = text(override.mid(override.indexOf('=') + 1));
    if (group == "model" || group == "data") QCOMPARE(composed->tree[group]["name"], base::Json(option));
}

void TestConfig::seedCommandLines_data() {
    QTest::addColumn<QByteArrayList>("overrides");
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<QByteArray>("value");
    QTest::newRow("full training") << QByteArrayList{"model=smollm2_135m", "training=fairy2_w2",
                                                     "data=mixed_pretrain"}
                                   << QByteArray("data.name") << QByteArray("\"mixed_pretrain\"");
    QTest::newRow("mode") << QByteArrayList{"training=fairy2_w1"} << QByteArray("training.stages")
                          << QByteArray("1");
    QTest::newRow("steps") << QByteArrayList{"training.max_steps=100"} << QByteArray("training.max_steps")
                           << QByteArray("100");
    QTest::newRow("wandb") << QByteArrayList{"training.logging.wandb.enabled=false"}
                           << QByteArray("training.logging.wandb.enabled") << QByteArray("false");
    QTest::newRow("gcs") << QByteArrayList{"gcs.enabled=true", "gcs.bucket=wrinklefree-checkpoints"}
                         << QByteArray("gcs.bucket") << QByteArray("\"wrinklefree-checkpoints\"");
}

void TestConfig::seedCommandLines() {
    QFETCH(QByteArrayList, overrides);
    QFETCH(QByteArray, key);
    QFETCH(QByteArray, value);
    std::vector<std::string> texts;
    for (const auto& override : overrides)
        texts.push_back(text(override));
    const auto composed = config::compose(texts);
    FAIRY2_OK(composed);
    const auto node = config::Node::fromJson(composed->tree, {});
    QCOMPARE(bytes(node.select(text(key))->toJson().dump()), value);
    if (key == "training.max_steps") {
        QCOMPARE(composed->sources.at("training.max_steps"), std::string("override"));
        QCOMPARE(composed->sources.at("training.eps"), std::string("default"));
        QVERIFY(composed->sources.at("training.stages").starts_with("configs/training/fairy2_w2.yaml:"));
    }
}

void TestConfig::refusalsNameTheKey_data() {
    QTest::addColumn<QByteArray>("override");
    QTest::addColumn<QByteArray>("field");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("unknown") << QByteArray("training.max_step=1") << QByteArray("training.max_step")
                             << QByteArray("did you mean 'training.max_steps'?");
    QTest::newRow("unknown, added") << QByteArray("+training.maxsteps=1") << QByteArray("training.maxsteps")
                                    << QByteArray("did you mean 'training.max_steps'?");
    QTest::newRow("type") << QByteArray("training.max_steps=many") << QByteArray("training.max_steps")
                          << QByteArray("a whole number from 1");
    QTest::newRow("fraction") << QByteArray("training.max_steps=1.5") << QByteArray("training.max_steps")
                              << QByteArray("a whole number from 1");
    QTest::newRow("range") << QByteArray("training.stages=5") << QByteArray("training.stages")
                           << QByteArray("0 to 4");
    QTest::newRow("nan") << QByteArray("training.learning_rate=nan") << QByteArray("training.learning_rate")
                         << QByteArray("a number from 0");
    QTest::newRow("infinity") << QByteArray("training.clip_norm=inf") << QByteArray("training.clip_norm")
                              << QByteArray("a number from 0");
    QTest::newRow("choice") << QByteArray("training.schedule=cosin") << QByteArray("training.schedule")
                            << QByteArray("one of cosine, constant");
    QTest::newRow("flag") << QByteArray("data.shuffle=1") << QByteArray("data.shuffle")
                          << QByteArray("true or false");
    QTest::newRow("list") << QByteArray("training.layers=all") << QByteArray("training.layers")
                          << QByteArray("a list");
    QTest::newRow("a group of keys") << QByteArray("training.distill=1") << QByteArray("training.distill")
                                     << QByteArray("group of keys");
    QTest::newRow("option") << QByteArray("training=fairy_w1") << QByteArray("training")
                            << QByteArray("did you mean 'fairy2_w1'?");
}

void TestConfig::refusalsNameTheKey() {
    QFETCH(QByteArray, override);
    QFETCH(QByteArray, field);
    QFETCH(QByteArray, says);
    const auto composed = config::compose({text(override)});
    QVERIFY(!composed);
    QCOMPARE(bytes(composed.error().field), field);
    QVERIFY2(bytes(composed.error().sentence()).contains(says), composed.error().sentence().c_str());
}

void TestConfig::everyKeyHasHelpAndAFittingDefault() {
    for (const auto& info : config::schema())
        QVERIFY2(!info.help.empty() && !info.type.empty(), info.key.c_str());
    auto defaults = config::schemaDefaults();
    FAIRY2_OK(config::checkAgainstSchema(defaults));
}

void TestConfig::nearestName() {
    QCOMPARE(config::nearest("max_step", {"max_steps", "min_lr_ratio"}), std::string("max_steps"));
    QCOMPARE(config::nearest("entirely different", {"max_steps"}), std::string());
    QCOMPARE(config::nearest("ab", {"xy"}), std::string());
}

QTEST_APPLESS_MAIN(TestConfig)
#include "tst_config.moc"
