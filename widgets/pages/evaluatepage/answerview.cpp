// SPDX-License-Identifier: Apache-2.0
#include "pages/evaluatepage/answerview.h"

#include "models/evaluationsmodel.h"
#include "pages/colordisc.h"
#include "shell/elidedlabel.h"
#include "shell/format.h"
#include "shell/theme.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QScrollBar>
#include <QTextEdit>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::pages {
AnswerView::AnswerView(const Speaker& speaker, QWidget* parent)
    : QFrame(parent), m_title(new shell::ElidedLabel({}, this)), m_speed(new QLabel(this)),
      m_view(new QTextEdit(this)) {
    const QString mode = speaker.mode.stages ? u" · "_s + itemmodels::modeText(speaker.mode) : QString();
    m_title->setText(speaker.candidate.label + mode);
    m_title->setProperty("role", u"strong"_s);
    m_speed->setProperty("role", u"secondary"_s);
    m_view->setReadOnly(true);
    m_view->setFrameShape(QFrame::NoFrame);
    m_view->setProperty("role", u"page"_s);
    m_view->setObjectName(u"answerText"_s);
    m_view->setAccessibleName(tr("Answer of %1").arg(m_title->text()));
    m_view->setStyleSheet(u"border: none; background: transparent; padding: 0;"_s);

    auto* head = new QHBoxLayout;
    head->setSpacing(8);
    head->addWidget(new ColorDisc(speaker.candidate.color, this));
    head->addWidget(m_title, 1);
    head->addWidget(m_speed);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(12, 8, 12, 8);
    column->setSpacing(6);
    column->addLayout(head);
    column->addWidget(m_view, 1);
    connect(&shell::Theme::instance(), &shell::Theme::changed, this, &AnswerView::show);
}

QString AnswerView::text() const {
    return m_text;
}

void AnswerView::begin(const QString& prompt) {
    m_prompt = prompt;
    m_text.clear();
    m_failure.clear();
    m_answer.reset();
    m_difference.reset();
    m_speed->setText(tr("loading …"));
    show();
}

void AnswerView::append(const QString& text) {
    m_text += text;
    m_speed->setText(tr("writing …"));
    show();
}

void AnswerView::finish(const Answer& answer) {
    m_answer = answer;
    m_text = answer.text;
    m_speed->setText(tr("%1 tok/s").arg(shell::numberText(answer.tokensPerSecond, 0)));
    show();
}

void AnswerView::fail(const QString& sentence) {
    m_failure = sentence;
    m_speed->clear();
    show();
}

void AnswerView::markDifference(std::optional<std::size_t> token) {
    m_difference = token;
    if (m_answer)
        m_speed->setText(token ? tr("%1 tok/s · differs at token %2")
                                     .arg(shell::numberText(m_answer->tokensPerSecond, 0))
                                     .arg(*token + 1)
                               : tr("%1 tok/s").arg(shell::numberText(m_answer->tokensPerSecond, 0)));
    show();
}

void AnswerView::show() {
    const auto& colors = shell::Theme::instance().colors();
    const auto inColor = [](const QColor& color) {
        QTextCharFormat format;
        format.setForeground(color);
        return format;
    };
    m_view->clear();
    QTextCursor cursor = m_view->textCursor();
    if (!m_failure.isEmpty()) {
        cursor.insertText(m_failure, inColor(colors.bad));
        return;
    }
    cursor.insertText(m_prompt, inColor(colors.secondary));
    qsizetype from = m_text.size();
    qsizetype to = m_text.size();
    if (m_difference && m_answer && *m_difference < m_answer->ends.size()) {
        from = *m_difference == 0 ? 0 : std::min(m_text.size(), m_answer->ends[*m_difference - 1]);
        to = std::min(m_text.size(), m_answer->ends[*m_difference]);
    }
    cursor.insertText(m_text.left(from), inColor(colors.text));
    if (to > from) {
        QTextCharFormat marked = inColor(colors.accent);
        marked.setBackground(colors.accentWash);
        marked.setFontUnderline(true);
        cursor.insertText(m_text.mid(from, to - from), marked);
    }
    cursor.insertText(m_text.mid(to), inColor(colors.text));
    m_view->verticalScrollBar()->setValue(m_answer ? 0 : m_view->verticalScrollBar()->maximum());
}

} // namespace fairy2::pages
