// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pages/evaluatepage/answer.h"

#include <QFrame>

class QLabel;
class QTextEdit;

namespace fairy2::shell {
class ElidedLabel;
}

namespace fairy2::pages {

/// One column of the prompt card: who answers, the text as it comes, how fast, and the token at which the
/// answer leaves the first column's.
class AnswerView final : public QFrame {
    Q_OBJECT
public:
    explicit AnswerView(const Speaker& speaker, QWidget* parent = nullptr);

    /// Clears the column and shows the prompt.
    void begin(const QString& prompt);
    void append(const QString& text);
    void finish(const Answer& answer);
    void fail(const QString& sentence);
    /// Marks the token at which this answer differs; nothing = it does not.
    void markDifference(std::optional<std::size_t> token);

    [[nodiscard]] const std::optional<Answer>& answer() const noexcept { return m_answer; }
    [[nodiscard]] QString text() const;

private:
    void show();

    shell::ElidedLabel* m_title;
    QLabel* m_speed;
    QTextEdit* m_view;
    QString m_prompt;
    QString m_text;
    QString m_failure;
    std::optional<Answer> m_answer;
    std::optional<std::size_t> m_difference;
};

} // namespace fairy2::pages
