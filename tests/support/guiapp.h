// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/theme.h"
#include "shell/translation.h"

#include <QApplication>
#include <QTemporaryDir>
#include <QtTest>

namespace fairy2::tests {

/// A private FAIRY2_HOME for one test program, so that tests neither see nor leave settings and runs.
class PrivateHome {
public:
    PrivateHome() { qputenv("FAIRY2_HOME", m_folder.path().toLocal8Bit()); }
    [[nodiscard]] QString path() const { return m_folder.path(); }

private:
    QTemporaryDir m_folder;
};

} // namespace fairy2::tests

/// main() of a GUI test: the look of the program, a private home, English plurals.
#define FAIRY2_GUI_TEST_MAIN(TestClass)                                                                      \
    int main(int argc, char** argv) {                                                                        \
        const fairy2::tests::PrivateHome home;                                                               \
        QApplication application(argc, argv);                                                                \
        fairy2::shell::installTranslation();                                                                 \
        fairy2::shell::Theme::instance().setWish(fairy2::shell::SchemeWish::Light);                          \
        fairy2::shell::Theme::instance().install();                                                          \
        TestClass test;                                                                                      \
        return QTest::qExec(&test, argc, argv);                                                              \
    }
