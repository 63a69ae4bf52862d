// SPDX-License-Identifier: Apache-2.0
#include "models/numbertext.h"

#include <QCoreApplication>
#include <array>
#include <cmath>

namespace fairy2::itemmodels {
namespace {

constexpr QChar kNarrowSpace(0x202F);
constexpr QChar kMinus(0x2212);

bool known(const std::optional<double>& value) {
    return value && std::isfinite(*value);
}

struct Scaled {
    double value;
    int prefix; ///< power of 1000
};

// 999.6 k is 1.00 M: rounding to three digits decides the prefix, not the raw value.
Scaled scale(double value, int largest) {
    int prefix = 0;
    while (std::abs(value) >= 999.5 && prefix < largest) {
        value /= 1000;
        ++prefix;
    }
    return {value, prefix};
}

QString threeDigits(double value) {
    const double size = std::abs(value);
    return QString::number(value, 'f', size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

QString translated(const char* text) {
    return QCoreApplication::translate("NumberText", text);
}

} // namespace

QString unknownText() {
    return QString(QChar(0x2013));
}

QString fixedText(std::optional<double> value, int decimals) {
    if (!known(value)) return unknownText();
    return QString::number(*value, 'f', decimals).replace(u'-', kMinus);
}

QString signedText(std::optional<double> value, int decimals) {
    if (!known(value)) return unknownText();
    const QString digits = QString::number(std::abs(*value), 'f', decimals);
    if (digits.toDouble() == 0) return digits;
    return (*value < 0 ? QString(kMinus) : QStringLiteral("+")) + digits;
}

QString countText(std::int64_t count) {
    QString digits = QString::number(count);
    for (auto at = digits.size() - 3; at > (count < 0 ? 1 : 0); at -= 3)
        digits.insert(at, kNarrowSpace);
    return digits.replace(u'-', kMinus);
}

QString shortCountText(std::optional<double> count) {
    static constexpr std::array<const char*, 5> prefixes = {"", "k", " M", " G", " T"};
    if (!known(count)) return unknownText();
    const auto scaled = scale(*count, static_cast<int>(prefixes.size()) - 1);
    const bool whole = scaled.prefix == 0 && *count == std::floor(*count);
    return (whole ? QString::number(*count, 'f', 0) : threeDigits(scaled.value)) +
           QString::fromLatin1(prefixes[static_cast<std::size_t>(scaled.prefix)]);
}

QString bytesText(std::optional<double> bytes) {
    static constexpr std::array<const char*, 5> units = {
        QT_TRANSLATE_NOOP("NumberText", "B"), QT_TRANSLATE_NOOP("NumberText", "kB"),
        QT_TRANSLATE_NOOP("NumberText", "MB"), QT_TRANSLATE_NOOP("NumberText", "GB"),
        QT_TRANSLATE_NOOP("NumberText", "TB")};
    if (!known(bytes)) return unknownText();
    const auto scaled = scale(*bytes, static_cast<int>(units.size()) - 1);
    return (scaled.prefix == 0 ? QString::number(*bytes, 'f', 0) : threeDigits(scaled.value)) + u' ' +
           translated(units[static_cast<std::size_t>(scaled.prefix)]);
}

QString percentText(std::optional<double> fraction, int decimals) {
    if (!known(fraction)) return unknownText();
    return fixedText(*fraction * 100, decimals) + QStringLiteral(" %");
}

QString durationText(std::optional<double> seconds) {
    if (!known(seconds) || *seconds < 0) return unknownText();
    constexpr double kMinute = 60;
    constexpr double kHour = 3600;
    constexpr double kDay = 86400;
    if (*seconds < 10) return translated(QT_TRANSLATE_NOOP("NumberText", "%1 s")).arg(*seconds, 0, 'f', 1);
    if (*seconds < 90) return translated(QT_TRANSLATE_NOOP("NumberText", "%1 s")).arg(*seconds, 0, 'f', 0);
    if (*seconds < kHour)
        return translated(QT_TRANSLATE_NOOP("NumberText", "%1 min")).arg(*seconds / kMinute, 0, 'f', 0);
    const auto whole = static_cast<std::int64_t>(*seconds);
    if (*seconds < kDay)
        return translated(QT_TRANSLATE_NOOP("NumberText", "%1 h %2 min"))
            .arg(whole / 3600)
            .arg(whole % 3600 / 60);
    return translated(QT_TRANSLATE_NOOP("NumberText", "%1 d %2 h"))
        .arg(whole / 86400)
        .arg(whole % 86400 / 3600);
}

} // namespace fairy2::itemmodels
