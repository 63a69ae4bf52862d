// SPDX-License-Identifier: Apache-2.0
#include "shell/pagefactory.h"

#include "pages/comparepage/comparepage.h"
#include "pages/evaluatepage/evaluatepage.h"
#include "pages/modelspage/modelspage.h"
#include "pages/runspage/runspage.h"
#include "pages/trainpage/trainpage.h"
#include "wizards/exportwizard.h"

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
        pageEntry<pages::TrainPage>(u"train"_s, QT_TRANSLATE_NOOP("pages", "Train")),
        pageEntry<pages::RunsPage>(u"runs"_s, QT_TRANSLATE_NOOP("pages", "Runs")),
        pageEntry<pages::ComparePage>(u"compare"_s, QT_TRANSLATE_NOOP("pages", "Compare")),
        pageEntry<pages::EvaluatePage>(u"evaluate"_s, QT_TRANSLATE_NOOP("pages", "Evaluate")),
    };
}

std::vector<DialogEntry> dialogEntries() {
    return {
        {u"export"_s, QCoreApplication::translate("pages", "Export…"), u"Ctrl+E"_s,
         [](Workspace& workspace, QWidget* parent, const QString& argument) -> QDialog* {
             return new wizards::ExportWizard(workspace, parent, argument);
         }},
    };
}

} // namespace fairy2::shell
