// SPDX-License-Identifier: Apache-2.0
#include "data/tokenrows.h"

#include "tensors/safetensors.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace fairy2::data {
namespace {

using tensors::DType;
using tensors::SafetensorsFile;
using tensors::TensorInfo;

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;
constexpr std::int64_t kLargestId = std::numeric_limits<std::int32_t>::max();

bool isTokenMatrix(const TensorInfo& tensor) {
    return (tensor.dtype == DType::I32 || tensor.dtype == DType::I64) && tensor.shape.size() == 2;
}

std::string listed(const std::vector<std::string>& names) {
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::vector<std::string> matricesIn(const SafetensorsFile& file) {
    std::vector<std::string> names;
    for (const auto& tensor : file.tensors())
        if (isTokenMatrix(tensor)) names.push_back(tensor.name);
    return names;
}

base::Result<const TensorInfo*> chooseTensor(const SafetensorsFile& file, const std::string& key) {
    const auto names = matricesIn(file);
    const auto refuse = [&](const std::string& what) {
        return base::badInput(what, file.path().string(), key,
                              fmt::format("token matrices in this file: {}", listed(names)));
    };
    if (key.empty() && names.empty())
        return refuse("there is no I32 or I64 matrix of token rows in this file");
    const auto* tensor = file.find(key.empty() ? names.front() : key);
    if (tensor == nullptr) return refuse("there is no tensor of this name");
    if (!isTokenMatrix(*tensor)) return refuse("token rows are an I32 or I64 tensor of two dimensions");
    return tensor;
}

base::Result<void> checkId(std::int64_t id, std::int64_t row, std::int64_t place, std::int64_t vocabSize,
                           const base::Path& path, const std::string& field) {
    if (id < 0 || id > kLargestId)
        return base::badInput(fmt::format("row {}, place {}: {} is not a token id", row, place, id),
                              path.string(), field);
    if (vocabSize > 0 && id >= vocabSize)
        return base::badInput(fmt::format("row {}, place {}: token id {} is outside the vocabulary of {}",
                                          row, place, id, vocabSize),
                              path.string(), field, "were these tokens made with another tokenizer?");
    return {};
}

std::int64_t elementAt(std::span<const std::byte> bytes, DType type, std::size_t index) {
    if (type == DType::I32) {
        std::int32_t value = 0;
        std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
        return value;
    }
    std::int64_t value = 0;
    std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
    return value;
}

} // namespace

base::Result<TokenRows> TokenRows::open(const base::Path& path, const std::string& key,
                                        std::int64_t vocabSize) {
    if (path.extension() == ".safetensors") return openSafetensors(path, key, vocabSize);
    if (path.extension() == ".txt") return openText(path, vocabSize);
    return base::badInput("token rows are read from .safetensors or .txt files", path.string(), {},
                          "make such a file with fairy2 data prepare, or give text with --text");
}

base::Result<TokenRows> TokenRows::openSafetensors(const base::Path& path, const std::string& key,
                                                   std::int64_t vocabSize) {
    FAIRY2_ASSIGN(const auto file, SafetensorsFile::open(path));
    FAIRY2_ASSIGN(const TensorInfo* tensor, chooseTensor(file, key));
    const auto rowCount = tensor->shape[0];
    const auto length = tensor->shape[1];
    const auto bytes = file.bytes(*tensor);
    TokenRows rows;
    rows.m_ids.reserve(static_cast<std::size_t>(tensor->elements()));
    for (std::int64_t row = 0; row < rowCount && length > 0; ++row) {
        for (std::int64_t place = 0; place < length; ++place) {
            const auto id = elementAt(bytes, tensor->dtype, rows.m_ids.size());
            FAIRY2_TRY(checkId(id, row, place, vocabSize, path, tensor->name));
            rows.m_ids.push_back(static_cast<std::int32_t>(id));
        }
        rows.m_starts.push_back(rows.m_ids.size());
    }
    if (rows.m_ids.empty()) return base::badInput("the token matrix is empty", path.string(), tensor->name);
    return rows;
}

base::Result<TokenRows> TokenRows::openText(const base::Path& path, std::int64_t vocabSize) {
    FAIRY2_ASSIGN(const std::string text, base::readFile(path, kMaxTextBytes));
    TokenRows rows;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::int64_t line = 1; at < end; ++line) {
        const char* const lineEnd = std::find(at, end, '\n');
        for (std::int64_t place = 0;; ++place) {
            at = std::find_if_not(at, lineEnd, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
            if (at == lineEnd) break;
            std::int64_t id = -1;
            const auto [next, problem] = std::from_chars(at, lineEnd, id);
            const bool separated = next == lineEnd || *next == ' ' || *next == '\t' || *next == '\r';
            if (problem != std::errc() || !separated)
                return base::badInput(fmt::format("line {}, place {}: this is not a number", line, place),
                                      path.string(), {}, "a .txt file holds one row of token ids a line");
            FAIRY2_TRY(checkId(id, rows.rows(), place, vocabSize, path, fmt::format("line {}", line)));
            rows.m_ids.push_back(static_cast<std::int32_t>(id));
            at = next;
        }
        if (rows.m_ids.size() > rows.m_starts.back()) rows.m_starts.push_back(rows.m_ids.size());
        at = lineEnd == end ? end : lineEnd + 1;
    }
    if (rows.m_ids.empty()) return base::badInput("there are no token ids in this file", path.string());
    return rows;
}

TokenRows TokenRows::fromRows(const std::vector<std::vector<std::int32_t>>& rows) {
    TokenRows result;
    for (const auto& row : rows) {
        result.m_ids.insert(result.m_ids.end(), row.begin(), row.end());
        result.m_starts.push_back(result.m_ids.size());
    }
    return result;
}

std::span<const std::int32_t> TokenRows::row(std::int64_t index) const noexcept {
    const auto i = static_cast<std::size_t>(index);
    return std::span(m_ids).subspan(m_starts[i], m_starts[i + 1] - m_starts[i]);
}

base::Result<std::vector<std::string>> TokenRows::keys(const base::Path& path) {
    FAIRY2_ASSIGN(const auto file, SafetensorsFile::open(path));
    return matricesIn(file);
}

} // namespace fairy2::data
