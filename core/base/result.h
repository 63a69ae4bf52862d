// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace fairy2::base {

/// Why an operation failed; decides the exit code of the command line (DESIGN §5).
enum class ErrorCode {
    Failed,    ///< the operation itself went wrong (exit 1)
    Usage,     ///< the caller asked for something that does not exist (exit 2)
    BadInput,  ///< a file or value from outside is not acceptable (exit 3)
    NotFound,  ///< a file, run or model is not there (exit 3)
    Io,        ///< the operating system refused (exit 1)
    Cancelled, ///< the user asked to stop; never shown as an error (exit 130)
};

/// A failure as a sentence: what happened, to which file or field, and what to do about it.
struct Error {
    ErrorCode code = ErrorCode::Failed;
    std::string message; ///< one sentence, no trailing newline
    std::string file;    ///< the file concerned, or empty
    std::string field;   ///< the key, tensor or option concerned, or empty
    std::string hint;    ///< what the user can do, or empty

    /// "FILE: FIELD: message (hint)", leaving out what is empty.
    [[nodiscard]] std::string sentence() const;
    /// {code, message, file, field, hint} as every --json failure prints it.
    [[nodiscard]] nlohmann::json toJson() const;
};

/// Exit code of the command line for an error: 1 failed, 2 usage, 3 bad input, 130 cancelled.
[[nodiscard]] int exitCode(ErrorCode code) noexcept;
[[nodiscard]] const char* name(ErrorCode code) noexcept;

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string file = {},
                                                std::string field = {}, std::string hint = {}) {
    return tl::unexpected<Error>(
        Error{code, std::move(message), std::move(file), std::move(field), std::move(hint)});
}
[[nodiscard]] inline tl::unexpected<Error> badInput(std::string message, std::string file = {},
                                                    std::string field = {}, std::string hint = {}) {
    return fail(ErrorCode::BadInput, std::move(message), std::move(file), std::move(field), std::move(hint));
}
[[nodiscard]] inline tl::unexpected<Error> cancelled() {
    return fail(ErrorCode::Cancelled, "cancelled");
}

} // namespace fairy2::base

/// Evaluates an expression of type Result<…>; on failure returns its error from the enclosing function.
#define FAIRY2_TRY(expression)                                                                               \
    do {                                                                                                     \
        if (auto fairy2Result = (expression); !fairy2Result)                                                 \
            return tl::unexpected<::fairy2::base::Error>(std::move(fairy2Result).error());                   \
    } while (false)
#define FAIRY2_CONCAT_(a, b) a##b
#define FAIRY2_CONCAT(a, b) FAIRY2_CONCAT_(a, b)
/// FAIRY2_ASSIGN(auto x, expression): as FAIRY2_TRY, and binds the value.
#define FAIRY2_ASSIGN(declaration, expression)                                                               \
    auto FAIRY2_CONCAT(fairy2Result, __LINE__) = (expression);                                               \
    if (!FAIRY2_CONCAT(fairy2Result, __LINE__))                                                              \
        return tl::unexpected<::fairy2::base::Error>(                                                        \
            std::move(FAIRY2_CONCAT(fairy2Result, __LINE__)).error());                                       \
    declaration = std::move(*FAIRY2_CONCAT(fairy2Result, __LINE__))
