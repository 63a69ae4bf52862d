// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QLabel>

namespace fairy2::shell {

enum class Tone { Accent, Neutral, Good, Warning, Bad };

/// A short word in a rounded wash: a state, a mode. The word says it; the tone only underlines.
class Pill : public QLabel {
    Q_OBJECT
public:
    explicit Pill(const QString& text, Tone tone = Tone::Accent, QWidget* parent = nullptr);
    void set(const QString& text, Tone tone);
};

} // namespace fairy2::shell
