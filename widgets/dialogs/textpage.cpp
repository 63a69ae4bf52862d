// SPDX-License-Identifier: Apache-2.0
#include "dialogs/textpage.h"

#include "shell/theme.h"

#include <QTextBrowser>

using namespace Qt::StringLiterals;

namespace fairy2::dialogs {

QTextBrowser* makeTextPage(const QString& html, const QString& accessibleName) {
    auto* page = new QTextBrowser;
    page->setAccessibleName(accessibleName);
    page->setProperty("role", u"page"_s);
    page->setOpenExternalLinks(true);
    const auto fill = [page, html] {
        const auto& colors = shell::Theme::instance().colors();
        page->document()->setDefaultStyleSheet(
            u"h3, h4 { margin: 12px 0 4px 0; } p, li { line-height: 135%; } td { padding: 2px 14px 2px 0; } "
            "th { color: %1; font-weight: normal; text-align: left; padding: 2px 14px 2px 0; } a { color: %2; }"_s
                .arg(colors.secondary.name(), colors.accent.name()));
        page->setHtml(html);
    };
    fill();
    QObject::connect(&shell::Theme::instance(), &shell::Theme::changed, page, fill);
    return page;
}

} // namespace fairy2::dialogs
