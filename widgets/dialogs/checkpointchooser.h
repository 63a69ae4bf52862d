// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDialog>

namespace fairy2::itemmodels {
class CandidatesModel;
}
namespace fairy2::shell {
class Workspace;
}

namespace fairy2::dialogs {

/// Check boxes over all checkpoints that the window knows; the model changes while the dialog is open, so
/// there is nothing to apply.
class CheckpointChooser final : public QDialog {
    Q_OBJECT
public:
    CheckpointChooser(shell::Workspace& workspace, itemmodels::CandidatesModel& candidates,
                      QWidget* parent = nullptr);
};

} // namespace fairy2::dialogs
