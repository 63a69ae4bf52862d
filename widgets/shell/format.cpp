// SPDX-License-Identifier: Apache-2.0
#include "shell/format.h"

#include <QCoreApplication>

#include <cmath>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr QChar kThinSpace(0x2009);
constexpr QChar kMinus(0x2212);

QString scaled(double value, double unit, const QString& suffix) {
    return QString::number(value / unit, 'f', 1) + u' ' + suffix;
}

struct Text {
    Q_DECLARE_TR_FUNCTIONS(Format)
};

} // namespace

QString countText(std::int64_t count) {
    const auto value = static_cast<double>(count);
    if (std::abs(value) >= 1e9) return scaled(value, 1e9, Text::tr("B"));
    if (std::abs(value) >= 1e6) return scaled(value, 1e6, Text::tr("M"));
    QString digits = QString::number(count);
    for (qsizetype at = digits.size() - 3; at > (count < 0 ? 1 : 0); at -= 3)
        digits.insert(at, kThinSpace);
    return digits;
}

QString bytesText(std::uint64_t bytes) {
    const auto value = static_cast<double>(bytes);
    if (value >= 1e12) return scaled(value, 1e12, u"TB"_s);
    if (value >= 1e9) return scaled(value, 1e9, u"GB"_s);
    if (value >= 1e6) return scaled(value, 1e6, u"MB"_s);
    if (value >= 1e3) return scaled(value, 1e3, u"kB"_s);
    return QString::number(bytes) + u" B"_s;
}

QString durationText(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return u"–"_s;
    if (seconds < 0.0995) return u"%1 ms"_s.arg(std::llround(seconds * 1000));
    if (seconds < 9.95) return QString::number(seconds, 'f', 1) + u" s"_s;
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    if (whole < 60) return u"%1 s"_s.arg(whole);
    if (whole < 3600) return u"%1 min %2 s"_s.arg(whole / 60).arg(whole % 60);
    return u"%1 h %2 min"_s.arg(whole / 3600).arg(whole % 3600 / 60);
}

QString numberText(double value, int digits) {
    if (!std::isfinite(value)) return u"–"_s;
    QString text = QString::number(value, 'f', digits);
    if (text.startsWith(u'-')) text[0] = kMinus;
    return text;
}

QString signedText(double value, int digits) {
    return value > 0 ? u'+' + numberText(value, digits) : numberText(value, digits);
}

QString percentText(double share, int digits) {
    return numberText(share * 100.0, digits) + u" %"_s;
}

} // namespace fairy2::shell
