// SPDX-License-Identifier: Apache-2.0
#include "dialogs/helpdialog.h"

#include "dialogs/textpage.h"

#include <QDialogButtonBox>
#include <QTextBrowser>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::dialogs {

HelpDialog::HelpDialog(QWidget* parent) : QDialog(parent) {
    setObjectName(u"helpDialog"_s);
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("What is W2?"));
    const QString text =
        tr("<h3>One complex pair for every linear layer</h3>"
           "<p>A real weight matrix A with an even number of rows and columns is the same thing as a pair of "
           "complex "
           "matrices (U, W) of half the size: y = U·x + W·conj(x). Nothing is lost in this step.</p>"
           "<h3>Four codes, two scales</h3>"
           "<p>Each entry of U and W is replaced by the nearest fourth root of unity, <b>+1, +i, −1 or "
           "−i</b>: the "
           "sector of the phase plane it lies in. That is 2 bits for a complex entry, so <b>1 bit per real "
           "weight</b>. Two "
           "scales, s<sub>re</sub> and s<sub>im</sub>, say how far out the codewords stand: one pair for a "
           "whole "
           "tensor, for a row, or for a tile of 64×64 entries.</p>"
           "<h3>Stages</h3>"
           "<p>What the first stage leaves over, the residual, is quantised again in the same way.</p>"
           "<table><tr><th>name</th><th>stages</th><th>bits per weight</th><th>energy left, random "
           "weights</th></tr>"
           "<tr><td>W1</td><td>1</td><td>1 + scales</td><td>about 38 %</td></tr>"
           "<tr><td>W2</td><td>2</td><td>2 + scales</td><td>about 13 %</td></tr></table>"
           "<h3>Training</h3>"
           "<p>In quantisation-aware training the ordinary real matrix A stays the master; the forward pass "
           "uses A<sub>q</sub>, "
           "built back from codes and scales once per optimiser step, and the gradient of A<sub>q</sub> is "
           "given to A "
           "unchanged. Learning from the full-precision model (distillation) is the lever that counts most "
           "and costs "
           "no bits.</p>"
           "<h3>What to look at</h3>"
           "<ul><li><b>Phase plane</b>: where the entries lie, the sector boundaries, and the codewords with "
           "the share of "
           "entries that take each.</li>"
           "<li><b>Residual ladder</b>: the energy that is left after each stage, for every layer.</li>"
           "<li><b>SQNR</b>: signal to quantisation noise of the weights, in dB. It does <i>not</i> say what "
           "hurts: "
           "that is <b>Δloss</b>, the loss added when this layer alone is quantised. Tables are ordered by "
           "Δloss as soon as "
           "it is known.</li></ul>");
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::close);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(16, 8, 16, 12);
    column->addWidget(makeTextPage(text, windowTitle()), 1);
    column->addWidget(buttons);
    resize(640, 620);
}

} // namespace fairy2::dialogs
