// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/page.h"

class QStackedLayout;

namespace fairy2::shell {
class EmptyState;
class Workspace;
} // namespace fairy2::shell

namespace fairy2::pages {

/// The open model: its layers, their weights on the phase plane, and what each residual stage leaves.
class ModelsPage : public shell::Page {
    Q_OBJECT
public:
    explicit ModelsPage(shell::Workspace& workspace, QWidget* parent = nullptr);
    [[nodiscard]] QString breadcrumb() const override;

private:
    shell::EmptyState* makeEmptyState();

    shell::Workspace& m_workspace;
    QStackedLayout* m_stack;
};

} // namespace fairy2::pages
