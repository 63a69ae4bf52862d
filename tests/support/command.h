// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "testdata.h"

#include <QProcess>
#include <string>

namespace fairy2::tests {

/// What a program printed and how it ended.
struct CommandResult {
    int exitCode = -1;
    std::string output;
    std::string errors;

    /// stdout as the one JSON document it should be; null when it is not.
    [[nodiscard]] base::Json json() const {
        auto parsed = base::parseJson(output, "stdout", {std::size_t{64} << 20, 64});
        return parsed ? *parsed : base::Json();
    }
};

/// Runs the command line program `fairy2` of this build with these arguments.
inline CommandResult fairy2(const QStringList& arguments) {
    QProcess process;
    process.start(QString::fromStdString(program("fairy2").string()), arguments);
    if (!process.waitForFinished(300000)) process.kill();
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            process.readAllStandardOutput().toStdString(), process.readAllStandardError().toStdString()};
}

} // namespace fairy2::tests
