// SPDX-License-Identifier: Apache-2.0
#include "shell/pagefactory.h"

#include "pages/modelspage/modelspage.h"

#include <QCoreApplication>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

template <typename Widget>
PageEntry pageEntry(const QString& id, const char* title) {
    return {id, QCoreApplication::translate("pages", title), id,
            [](Workspace& workspace, QWidget* parent) -> Page* { return new Widget(workspace, parent); }};
}

} // namespace

std::vector<PageEntry> pageEntries() {
    return {
        pageEntry<pages::ModelsPage>(u"models"_s, QT_TRANSLATE_NOOP("pages", "Models")),
    };
}

std::vector<DialogEntry> dialogEntries() {
    return {};
}

} // namespace fairy2::shell
