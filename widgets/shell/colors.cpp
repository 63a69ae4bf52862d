// SPDX-License-Identifier: Apache-2.0
#include "shell/colors.h"

#include <algorithm>

namespace fairy2::shell {
namespace {

Colors lightColors() {
    Colors c;
    c.window = QColor(0xF4F6F8);
    c.surface = QColor(0xFFFFFF);
    c.line = QColor(0xE1E6EC);
    c.text = QColor(0x1A2430);
    c.secondary = QColor(0x5C6877);
    c.accent = QColor(0x4A5BD4);
    c.accentWash = QColor(0xEEF0FC);
    c.onAccent = QColor(0xFFFFFF);
    c.heat = QColor(0xDE9C95);
    c.good = QColor(0x12766B);
    c.warning = QColor(0x8F5B00);
    c.bad = QColor(0xB23A2E);
    c.phase = {QColor(0x2F6FDE), QColor(0xD98A00), QColor(0xC2483B), QColor(0x1E8F83)};
    c.density = {
        {0.0, c.surface}, {0.5, QColor(0x7C8AE8)}, {0.75, QColor(0x4A5BD4)}, {1.0, QColor(0x1B1F4B)}};
    return c;
}

Colors darkColors() {
    Colors c;
    c.window = QColor(0x12151A);
    c.surface = QColor(0x1A1E25);
    c.line = QColor(0x2A303A);
    c.text = QColor(0xE5E9EF);
    c.secondary = QColor(0x97A2B2);
    c.accent = QColor(0x8E9BFF);
    c.accentWash = QColor(0x262C45);
    c.onAccent = QColor(0x12151A);
    c.heat = QColor(0x8F524F);
    c.good = QColor(0x4CC3B4);
    c.warning = QColor(0xF0B347);
    c.bad = QColor(0xF07F70);
    c.phase = {QColor(0x6BA2FF), QColor(0xF0B347), QColor(0xF07F70), QColor(0x4CC3B4)};
    c.density = {
        {0.0, c.surface}, {0.5, QColor(0x4C5CC0)}, {0.75, QColor(0x8E9BFF)}, {1.0, QColor(0xEEF2FF)}};
    return c;
}

constexpr std::array<QRgb, 7> kOkabeIto = {0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7,
                                           0xE69F00, 0x56B4E9, 0x999999};
constexpr int kNeutral = 6;

} // namespace

const Colors& colorsOf(Scheme scheme) {
    static const Colors light = lightColors();
    static const Colors dark = darkColors();
    return scheme == Scheme::Light ? light : dark;
}

QColor runColor(int index) {
    const int count = static_cast<int>(kOkabeIto.size());
    return QColor(kOkabeIto[static_cast<std::size_t>(index < 0 ? kNeutral : index % count)]);
}

Qt::PenStyle runPenStyle(int index) {
    const int count = static_cast<int>(kOkabeIto.size());
    return index >= 0 && (index / count) % 2 == 1 ? Qt::DashLine : Qt::SolidLine;
}

QColor mix(const QColor& a, const QColor& b, double share) {
    const double t = std::clamp(share, 0.0, 1.0);
    const auto blend = [t](int from, int to) { return static_cast<int>(from + t * (to - from) + 0.5); };
    return QColor(blend(a.red(), b.red()), blend(a.green(), b.green()), blend(a.blue(), b.blue()));
}

} // namespace fairy2::shell
