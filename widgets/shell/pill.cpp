// SPDX-License-Identifier: Apache-2.0
#include "shell/pill.h"

#include <QStyle>

namespace fairy2::shell {
namespace {

const char* toneName(Tone tone) {
    switch (tone) {
    case Tone::Accent:
        return "accent";
    case Tone::Neutral:
        return "neutral";
    case Tone::Good:
        return "good";
    case Tone::Warning:
        return "warning";
    case Tone::Bad:
        return "bad";
    }
    return "neutral";
}

} // namespace

Pill::Pill(const QString& text, Tone tone, QWidget* parent) : QLabel(parent) {
    setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Maximum);
    set(text, tone);
}

void Pill::set(const QString& text, Tone tone) {
    setText(text);
    setAccessibleName(text);
    setProperty("tone", QString::fromLatin1(toneName(tone)));
    style()->unpolish(this);
    style()->polish(this);
}

} // namespace fairy2::shell
