// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QWidget>

namespace fairy2::shell {

/// One of the pages behind the left bar. Made when it is first shown, so a constructor stays cheap and reads
/// no file; data arrives through the JobRunner and the registry.
class Page : public QWidget {
    Q_OBJECT
public:
    using QWidget::QWidget;

    /// The text behind the product name in the header: "smollm2-mini-31m › Llama · 31.5 M parameters".
    [[nodiscard]] virtual QString breadcrumb() const = 0;
    /// The page was brought to the front.
    virtual void activate() {}
    /// The page was left; live updates may pause.
    virtual void deactivate() {}

signals:
    void breadcrumbChanged();
};

} // namespace fairy2::shell
