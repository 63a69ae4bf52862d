// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <QTemporaryDir>

using namespace fairy2;

class TestDoctor : public QObject {
    Q_OBJECT
private slots:
    void describesThisMachine();
    void namesWhatIsMissingWithItsCommand();
};

void TestDoctor::describesThisMachine() {
    const auto result = tests::fairy2({"doctor", "--json"});
    QCOMPARE(result.exitCode, 0);
    const auto document = result.json();
    QVERIFY(document.is_object());
    QVERIFY(document["cpu"]["threads"].get<int>() >= 1);
    QVERIFY(document["memory"]["total_bytes"].get<double>() > 1e8);
    QVERIFY(document["memory"]["available_bytes"] <= document["memory"]["total_bytes"]);
    QVERIFY(document["disk"]["free_bytes"].get<double>() >= 0);
    QVERIFY(document["gpus"].is_array());
    QCOMPARE(document["trainer"]["present"].get<bool>(),
             std::filesystem::exists(tests::program("fairy2-trainer")));
    QCOMPARE(document["registry"]["path"].get<std::string>(),
             tests::environment("FAIRY2_HOME") + "/registry.sqlite");
}

void TestDoctor::namesWhatIsMissingWithItsCommand() {
    QTemporaryDir empty;
    qputenv("HF_HUB_CACHE", empty.path().toUtf8());
    qunsetenv("DISPLAY");
    qunsetenv("WAYLAND_DISPLAY");
    const auto document = tests::fairy2({"doctor", "--json"}).json();
    std::map<std::string, std::string> commands;
    for (const auto& each : document.at("missing"))
        commands[each.at("what").get<std::string>()] = each.at("command").get<std::string>();
    QVERIFY(commands["models"].find("hf download ") == 0);
    QVERIFY(commands.contains("display"));
    const auto text = tests::fairy2({"doctor"});
    QCOMPARE(text.exitCode, 0);
    for (const auto& [what, command] : commands)
        QVERIFY2(text.output.find(what) != std::string::npos &&
                     text.output.find(command) != std::string::npos,
                 what.c_str());
}

QTEST_GUILESS_MAIN(TestDoctor)
#include "tst_doctor.moc"
