// SPDX-License-Identifier: Apache-2.0
#include "hub/cache.h"
#include "testdata.h"

#include <QTemporaryDir>
#include <fstream>

using namespace fairy2;

class TestHubCache : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void init();
    void rootFollowsTheEnvironment_data();
    void rootFollowsTheEnvironment();
    void namesAreChecked_data();
    void namesAreChecked();
    void anExistingPathIsNoRepository();
    void findsMainBranchTagAndCommit();
    void refusesWhatIsNotThere_data();
    void refusesWhatIsNotThere();
    void neverLeavesTheCache();
    void scanListsSnapshots();

private:
    QTemporaryDir m_directory;
};

namespace {

const std::string kOne(40, '1');
const std::string kTwo(40, '2');
constexpr const char* kVariables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME",
                                      "HOME"};

void put(const base::Path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

} // namespace

void TestHubCache::initTestCase() {
    const base::Path root = m_directory.path().toStdString();
    const auto model = root / "models--org--name";
    put(model / "refs" / "main", kOne);
    put(model / "refs" / "v1.0", kTwo + "\n");
    put(model / "refs" / "refs" / "pr" / "3", kTwo);
    put(model / "refs" / "torn", "1234");
    put(model / "refs" / "climbing", "../../../../etc");
    put(model / "refs" / "gone", std::string(40, '3'));
    put(model / "snapshots" / kOne / "config.json", "{}");
    put(model / "snapshots" / kTwo / "config.json", "{}");
    put(root / "models--solo" / "refs" / "main", kOne);
    put(root / "models--solo" / "snapshots" / kOne / "config.json", "{}");
    put(root / "models--halfway" / "refs" / "main", kOne);
    put(root / "datasets--org--name" / "snapshots" / kOne / "a", "");
    put(root / "models--org--na..me" / "snapshots" / kOne / "a", "");
    put(root / "version.txt", "1");
}

void TestHubCache::init() {
    for (const char* variable : kVariables)
        qunsetenv(variable);
    qputenv("HF_HUB_CACHE", m_directory.path().toUtf8());
}

void TestHubCache::rootFollowsTheEnvironment_data() {
    QTest::addColumn<QList<QByteArray>>("values"); // in the order of kVariables; empty = not set
    QTest::addColumn<QByteArray>("root");
    using Values = QList<QByteArray>;
    QTest::newRow("HF_HUB_CACHE wins") << Values{"/a", "/b", "/c", "/d", "/e"} << QByteArray("/a");
    QTest::newRow("its older name") << Values{"", "/b", "/c", "/d", "/e"} << QByteArray("/b");
    QTest::newRow("HF_HOME") << Values{"", "", "/c", "/d", "/e"} << QByteArray("/c/hub");
    QTest::newRow("XDG") << Values{"", "", "", "/d", "/e"} << QByteArray("/d/huggingface/hub");
    QTest::newRow("HOME") << Values{"", "", "", "", "/e"} << QByteArray("/e/.cache/huggingface/hub");
    QTest::newRow("tilde") << Values{"~/x", "", "", "", "/e"} << QByteArray("/e/x");
}

void TestHubCache::rootFollowsTheEnvironment() {
    QFETCH(QList<QByteArray>, values);
    QFETCH(QByteArray, root);
    for (int i = 0; i < 5; ++i)
        qputenv(kVariables[i], values[i]);
    QCOMPARE(hub::cacheRoot().string(), root.toStdString());
}

void TestHubCache::namesAreChecked_data() {
    QTest::addColumn<bool>("valid");
    for (const char* name : {"org/name", "name", "HuggingFaceTB/SmolLM2-135M", "a/b_c.d-e", "org/name@main",
                             "org/name@refs/pr/3", "org/name@v1.0+build", "0/1"})
        QTest::newRow(name) << true;
    for (const char* name : {"",
                             "/",
                             "/name",
                             "org/",
                             "a/b/c",
                             "../name",
                             "org/..",
                             "./name",
                             "~/models",
                             "org/na me",
                             "org/name@",
                             "org//name",
                             "org/-name",
                             "org/name.",
                             "org/na--me",
                             "org/na..me",
                             "org/name.git",
                             "org\\name",
                             "org/name@../../x",
                             "org/name@/etc",
                             "org/name@a//b",
                             "org/name@.hidden",
                             "org/name@a@b",
                             "org/größe",
                             "models--org--name",
                             "org/name\n"})
        QTest::newRow(name) << false;
    QTest::newRow(std::string(97, 'a').c_str()) << false;
}

void TestHubCache::namesAreChecked() {
    QFETCH(bool, valid);
    QCOMPARE(hub::looksLikeRepository(QTest::currentDataTag()), valid);
}

void TestHubCache::anExistingPathIsNoRepository() {
    QVERIFY(hub::looksLikeRepository("tmp-that-is-not-there"));
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(m_directory.path().toStdString());
    std::filesystem::create_directory("here");
    QVERIFY(!hub::looksLikeRepository("here"));
    std::filesystem::current_path(before);
}

void TestHubCache::findsMainBranchTagAndCommit() {
    const auto model = hub::cacheRoot() / "models--org--name" / "snapshots";
    QCOMPARE(hub::locate("org/name").value(), model / kOne);
    QCOMPARE(hub::locate("org/name@main").value(), model / kOne);
    QCOMPARE(hub::locate("org/name@v1.0").value(), model / kTwo);
    QCOMPARE(hub::locate("org/name@refs/pr/3").value(), model / kTwo);
    QCOMPARE(hub::locate("org/name@" + kTwo).value(), model / kTwo);
    QCOMPARE(hub::locate("solo").value(), hub::cacheRoot() / "models--solo" / "snapshots" / kOne);
}

void TestHubCache::refusesWhatIsNotThere_data() {
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("org/other") << QByteArray("'org/other' is not in the Hugging Face cache");
    QTest::newRow("org/name@v2") << QByteArray("revision 'v2'");
    QTest::newRow("org/name@torn") << QByteArray("revision 'torn'");
    QTest::newRow("org/name@gone") << QByteArray("revision 'gone'");
    QTest::newRow("org/name@climbing") << QByteArray("revision 'climbing'");
    QTest::newRow("halfway") << QByteArray("revision 'main'");
}

void TestHubCache::refusesWhatIsNotThere() {
    QFETCH(QByteArray, says);
    const auto folder = hub::locate(QTest::currentDataTag());
    QVERIFY(!folder);
    QCOMPARE(folder.error().code, base::ErrorCode::NotFound);
    QVERIFY2(QByteArray::fromStdString(folder.error().message).contains(says),
             folder.error().message.c_str());
    QVERIFY(folder.error().hint.find("hf download ") != std::string::npos);
}

void TestHubCache::neverLeavesTheCache() {
    for (const char* name : {"org/..", "../org/name", "org/name@../../..", "/etc/passwd", "a/b/../../.."}) {
        const auto folder = hub::locate(name);
        QVERIFY2(!folder, name);
        QCOMPARE(folder.error().code, base::ErrorCode::BadInput);
    }
}

void TestHubCache::scanListsSnapshots() {
    const auto models = hub::scan();
    std::vector<std::string> names;
    for (const auto& model : models)
        names.push_back(model.repository);
    const std::vector<std::string> expected{"org/name", "org/name@" + kTwo, "solo"};
    QVERIFY(names == expected);
    for (const auto& model : models)
        QCOMPARE(hub::locate(model.repository).value(), model.folder);
    qputenv("HF_HUB_CACHE", "/there/is/no/such/folder");
    QVERIFY(hub::scan().empty());
}

QTEST_APPLESS_MAIN(TestHubCache)
#include "tst_hubcache.moc"
