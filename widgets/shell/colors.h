// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QColor>
#include <QGradientStops>

#include <array>

namespace fairy2::shell {

enum class Scheme { Light, Dark };

/// The colour tokens of one scheme: every colour the window uses has a name here.
struct Colors {
    QColor window;               ///< behind the cards, inside fields
    QColor surface;              ///< cards, bars
    QColor line;                 ///< every hairline and grid line
    QColor text;                 ///< values
    QColor secondary;            ///< labels, units, axes
    QColor accent;               ///< current mode, primary button, bars
    QColor accentWash;           ///< selection, the checked segment
    QColor onAccent;             ///< text on accent
    QColor heat;                 ///< hot end of heat cells; the cold end is the surface
    QColor good;                 ///< verified, finished; always beside a word
    QColor warning;              ///< stalled, approximate; always beside a word
    QColor bad;                  ///< failed; always beside a word
    std::array<QColor, 4> phase; ///< the codes in the order +1, +i, −1, −i
    QGradientStops density;      ///< of phase planes, from no entry to the fullest bin
};

[[nodiscard]] const Colors& colorsOf(Scheme scheme);

/// Colour and dash of a run, one for ever: Okabe–Ito, then the same colours dashed. `index` is
/// Annotations::color; negative means not chosen yet and gives the neutral grey.
[[nodiscard]] QColor runColor(int index);
[[nodiscard]] Qt::PenStyle runPenStyle(int index);
/// How many distinct looks there are before they repeat.
inline constexpr int kRunLooks = 14;

/// a + share·(b − a) in RGB; share is clamped to 0..1.
[[nodiscard]] QColor mix(const QColor& a, const QColor& b, double share);

} // namespace fairy2::shell
