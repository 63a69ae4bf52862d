// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

namespace fairy2::base {

std::string Error::sentence() const {
    std::string text;
    if (!file.empty()) text += file + ": ";
    if (!field.empty()) text += field + ": ";
    text += message;
    if (!hint.empty()) text += " (" + hint + ")";
    return text;
}

nlohmann::json Error::toJson() const {
    return {{"code", name(code)}, {"message", message}, {"file", file}, {"field", field}, {"hint", hint}};
}

int exitCode(ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::Usage:
        return 2;
    case ErrorCode::BadInput:
    case ErrorCode::NotFound:
        return 3;
    case ErrorCode::Cancelled:
        return 130;
    case ErrorCode::Failed:
    case ErrorCode::Io:
        break;
    }
    return 1;
}

const char* name(ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::Failed:
        return "failed";
    case ErrorCode::Usage:
        return "usage";
    case ErrorCode::BadInput:
        return "bad_input";
    case ErrorCode::NotFound:
        return "not_found";
    case ErrorCode::Io:
        return "io";
    case ErrorCode::Cancelled:
        return "cancelled";
    }
    return "failed";
}

} // namespace fairy2::base
