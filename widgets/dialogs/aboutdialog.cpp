// SPDX-License-Identifier: Apache-2.0
#include "dialogs/aboutdialog.h"

#include "base/paths.h"
#include "dialogs/textpage.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QIcon>
#include <QLabel>
#include <QPushButton>
#include <QTextBrowser>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::dialogs {

AboutDialog::AboutDialog(QWidget* parent) : QDialog(parent) {
    setObjectName(u"aboutDialog"_s);
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("About Fairy2"));
    auto* icon = new QLabel;
    icon->setPixmap(QIcon(u":/icons/fairy2.svg"_s).pixmap(64, 64));
    auto* name = new QLabel(tr("<b>Fairy2 workbench %1</b><br>Language models in 1 and 2 bits per weight")
                                .arg(QString::fromLatin1(base::version())));
    name->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* head = new QHBoxLayout;
    head->addWidget(icon);
    head->addSpacing(8);
    head->addWidget(name, 1);
    const QString licences =
        tr("<h4>Licences</h4>"
           "<p>The source code of Fairy2 is under the <b>Apache License 2.0</b>; so are the programs "
           "<tt>fairy2</tt> and <tt>fairy2-trainer</tt> and the library behind them.</p>"
           "<p>This window links QCustomPlot (GPL-3.0-or-later, Emanuel Eichhammer). The program "
           "<tt>fairy2-workbench</tt> is therefore conveyed as a whole under the "
           "<b>GNU General Public License, version 3 or later</b>, with the complete source.</p>"
           "<h4>Made with</h4>"
           "<p>Qt %1 (LGPL-3.0) · QCustomPlot (GPL-3.0+) · LibTorch (BSD-3-Clause, in the trainer only) · "
           "Hugging Face "
           "tokenizers (Apache-2.0) · OpenBLAS (BSD-3-Clause) · Highway (Apache-2.0) · SQLite (public "
           "domain) · "
           "yaml-cpp, nlohmann-json, fmt, spdlog (MIT) · CLI11 (BSD-3-Clause) · OpenSSL (Apache-2.0)</p>"
           "<p>The bundled demo, stories260K by Andrej Karpathy, is under the MIT licence.</p>"
           "<h4>Method</h4>"
           "<p>Fairy2i: every linear layer as a widely-linear complex pair whose entries are fourth roots of "
           "unity "
           "times two scales, in residual stages.</p>")
            .arg(QString::fromLatin1(qVersion()));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::close);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 16, 16, 12);
    column->setSpacing(12);
    column->addLayout(head);
    column->addWidget(makeTextPage(licences, tr("Licences")), 1);
    column->addWidget(buttons);
    resize(560, 480);
}

} // namespace fairy2::dialogs
