// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QtTest>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fairy2::tests {

inline std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

/// A file below tests/data, which the repository carries.
inline std::filesystem::path dataFile(const std::string& relative) {
    return std::filesystem::path(environment("FAIRY2_TEST_DATA")) / relative;
}

/// A file below FAIRY2_REALDATA; empty when that is not set or the file is not there.
inline std::filesystem::path realFile(const std::string& relative) {
    const auto root = environment("FAIRY2_REALDATA");
    if (root.empty()) return {};
    auto path = std::filesystem::path(root) / relative;
    return std::filesystem::exists(path) ? path : std::filesystem::path();
}

/// A program of this build.
inline std::filesystem::path program(const std::string& name) {
    return std::filesystem::path(environment("FAIRY2_BIN")) / name;
}

} // namespace fairy2::tests

/// Binds `variable` to a real-data file or skips the test with a sentence.
#define FAIRY2_REAL_FILE(variable, relative)                                                                  \
    const auto variable = fairy2::tests::realFile(relative);                                                  \
    if (variable.empty()) QSKIP("needs the real data: set FAIRY2_REALDATA (missing " relative ")")

/// Fails with the error's sentence when a Result holds one. The expression is evaluated once.
#define FAIRY2_OK(result)                                                                                     \
    do {                                                                                                      \
        const auto& fairy2Checked = (result);                                                                 \
        QVERIFY2(fairy2Checked.has_value(),                                                                   \
                 fairy2Checked.has_value() ? "" : fairy2Checked.error().sentence().c_str());                  \
    } while (false)
