// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QHeaderView>

namespace fairy2::shell {

/// Column titles in secondary text; the sorted column stands out and carries a small arrow beside its text.
class TableHeader : public QHeaderView {
    Q_OBJECT
public:
    explicit TableHeader(QWidget* parent);

protected:
    void paintSection(QPainter* painter, const QRect& area, int section) const override;
    [[nodiscard]] QSize sectionSizeFromContents(int section) const override;
};

} // namespace fairy2::shell
