// SPDX-License-Identifier: Apache-2.0
#include "shell/translation.h"

#include <QCoreApplication>
#include <QLocale>
#include <QTranslator>

using namespace Qt::StringLiterals;

namespace fairy2::shell {

void installTranslation() {
    auto* translator = new QTranslator(qApp);
    if (translator->load(QLocale(), u"fairy2"_s, u"_"_s, u":/i18n"_s) ||
        translator->load(u":/i18n/fairy2_en"_s))
        QCoreApplication::installTranslator(translator);
}

} // namespace fairy2::shell
