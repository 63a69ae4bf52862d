// SPDX-License-Identifier: Apache-2.0
#include "shell/settings.h"

#include "base/paths.h"

#include <QSettings>

namespace fairy2::shell {

QSettings& settings() {
    static QSettings settings(QString::fromStdString((base::stateDirectory() / "workbench.ini").string()),
                              QSettings::IniFormat);
    return settings;
}

} // namespace fairy2::shell
