// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QAbstractItemModel>
#include <QString>

namespace fairy2::itemmodels {

/// What a table shows, as a Markdown table: right-aligned columns stay so, bars are escaped.
[[nodiscard]] QString markdownTable(const QAbstractItemModel& model);
/// The same as CSV (RFC 4180) with raw values where the model knows them, '.' as decimal point.
[[nodiscard]] QString csvTable(const QAbstractItemModel& model);

} // namespace fairy2::itemmodels
