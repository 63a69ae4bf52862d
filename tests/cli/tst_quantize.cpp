// SPDX-License-Identifier: Apache-2.0
#include "command.h"

using namespace fairy2;
using base::Json;

class TestQuantizeVerb : public QObject {
    Q_OBJECT
private slots:
    void goldenMatrixInOneStage();
    void goldenMatrixInTwoStagesIsExact();
    void textShowsTheSteps();
    void rowScalesAreLists();
    void badMatricesAreRefused_data();
    void badMatricesAreRefused();
    void badOptionsAreUsageErrors_data();
    void badOptionsAreUsageErrors();
};

void TestQuantizeVerb::goldenMatrixInOneStage() {
    const auto result = tests::fairy2({"quantize", "--matrix", "[[3,-1],[2,1]]", "--stages", "1", "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto document = result.json();
    QVERIFY(document.at("U") == Json::parse("[[[2, 1.5]]]"));
    QVERIFY(document.at("W") == Json::parse("[[[1, 0.5]]]"));
    QVERIFY(document.at("U_q") == Json::parse("[[[2, 0]]]"));
    QVERIFY(document.at("W_q") == Json::parse("[[[1, 0]]]"));
    QVERIFY(document.at("A_q") == Json::parse("[[3, 0], [0, 1]]"));
    const auto& stages = document.at("stages");
    QCOMPARE(stages.size(), std::size_t{1});
    QVERIFY(stages[0].at("U").at("s_re") == 2);
    QVERIFY(stages[0].at("W").at("s_re") == 1);
    QVERIFY(stages[0].at("U").at("codes") == Json::parse("[[0]]"));
}

void TestQuantizeVerb::goldenMatrixInTwoStagesIsExact() {
    for (const auto& stages : {QStringList{"--stages", "2"}, QStringList{"--mode", "w2"}, QStringList{}}) {
        const auto result =
            tests::fairy2(QStringList{"quantize", "--matrix", "[[3,-1],[2,1]]", "--json"} + stages);
        QCOMPARE(result.exitCode, 0);
        const auto document = result.json();
        QVERIFY(document.at("A_q") == Json::parse("[[3, -1], [2, 1]]"));
        QVERIFY(document.at("stages")[1].at("U").at("s_im") == 1.5);
        QVERIFY(document.at("stages")[1].at("W").at("codes") == Json::parse("[[1]]"));
        QVERIFY(document.at("relative_error") == 0);
    }
}

void TestQuantizeVerb::textShowsTheSteps() {
    const auto result = tests::fairy2({"quantize", "--matrix", "[[3,-1],[2,1]]"});
    QCOMPARE(result.exitCode, 0);
    for (const char* piece : {"U  2+1.5i", "W  1+0.5i", "+1", "+i", "33.33 %", "0.00 %", "A_q  3  -1"})
        QVERIFY2(result.output.find(piece) != std::string::npos, piece);
    QVERIFY(result.errors.empty());
}

void TestQuantizeVerb::rowScalesAreLists() {
    const auto result =
        tests::fairy2({"quantize", "--matrix", "[[1,2],[3,4],[5,6],[7,9]]", "--scale", "row", "--json"});
    QCOMPARE(result.exitCode, 0);
    QCOMPARE(result.json().at("stages")[0].at("U").at("s_re").size(), std::size_t{2});
}

void TestQuantizeVerb::badMatricesAreRefused_data() {
    QTest::addColumn<QString>("matrix");
    QTest::newRow("odd columns") << "[[1,2,3],[4,5,6]]";
    QTest::newRow("odd rows") << "[[1,2]]";
    QTest::newRow("ragged") << "[[1,2],[3]]";
    QTest::newRow("not a list") << "3";
    QTest::newRow("empty") << "[]";
    QTest::newRow("empty row") << "[[],[]]";
    QTest::newRow("text") << R"([[1,"2"],[3,4]])";
    QTest::newRow("not JSON") << "[[1,2";
    QTest::newRow("too large for fp32") << "[[1,1e40],[3,4]]";
    QTest::newRow("NaN") << "[[1,NaN],[3,4]]";
}

void TestQuantizeVerb::badMatricesAreRefused() {
    QFETCH(QString, matrix);
    const auto result = tests::fairy2({"quantize", "--matrix", matrix, "--json"});
    QCOMPARE(result.exitCode, 3);
    const auto error = result.json().at("error");
    QVERIFY(error.at("code") == "bad_input");
    QVERIFY(error.at("field") == "--matrix");
    QVERIFY(!error.at("message").get<std::string>().empty());
}

void TestQuantizeVerb::badOptionsAreUsageErrors_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::newRow("stages") << QStringList{"--stages", "5"};
    QTest::newRow("mode") << QStringList{"--mode", "w9"};
    QTest::newRow("scale") << QStringList{"--scale", "column"};
    QTest::newRow("two ways at once") << QStringList{"--mode", "w1", "--stages", "1"};
}

void TestQuantizeVerb::badOptionsAreUsageErrors() {
    QFETCH(QStringList, arguments);
    const auto result = tests::fairy2(QStringList{"quantize", "--matrix", "[[3,-1],[2,1]]"} + arguments);
    QCOMPARE(result.exitCode, 2);
    QVERIFY(result.output.empty());
    QVERIFY(!result.errors.empty());
}

QTEST_APPLESS_MAIN(TestQuantizeVerb)
#include "tst_quantize.moc"
