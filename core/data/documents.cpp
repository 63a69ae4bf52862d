// SPDX-License-Identifier: Apache-2.0
#include "data/documents.h"

#include "base/json.h"
#include "data/bytesource.h"
#include "data/parquet.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

namespace fairy2::data {
namespace {

constexpr std::size_t kProblemsKept = 20;
constexpr std::int64_t kLinesPerReport = 256;
constexpr std::string_view kSeparator = "<|endoftext|>";

// The type of a corpus file by its name, compression ignored: "jsonl", "json", "txt", "parquet", or empty.
std::string typeOf(const base::Path& path) {
    base::Path name = path.filename();
    if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
    const auto extension = name.extension().string();
    for (const char* known : {".jsonl", ".json", ".txt", ".parquet"})
        if (extension == known) return known + 1;
    return {};
}

// One pass over a list of files.
class Reading {
public:
    Reading(const ReadOptions& options, const std::function<bool(std::string&&)>& document)
        : m_options(options), m_document(document) {
        m_statistics.column = options.column;
    }

    // task.report gets the bytes of this file consumed so far.
    base::Result<void> file(const base::Path& path, const base::Task& task) {
        m_file = path.string();
        const auto type = typeOf(path);
        if (type.empty())
            return base::badInput("this kind of file is not read as a corpus", m_file, {},
                                  "known are .parquet, and .jsonl, .json and .txt, also with .gz or .zst");
        if (type == "parquet") return parquet(path, task);
        FAIRY2_ASSIGN(auto source, ByteSource::open(path));
        LineReader lines(std::move(source), m_options.maxDocumentBytes);
        if (type == "txt") return text(lines, task);
        return records(lines, type == "json", task);
    }

    [[nodiscard]] bool stopped() const noexcept { return m_stopped; }
    [[nodiscard]] ReadStatistics take() { return std::move(m_statistics); }

private:
    base::Result<void> records(LineReader& lines, bool mayBeArray, const base::Task& task) {
        std::string line;
        while (!m_stopped) {
            if (task.cancelled()) return base::cancelled();
            FAIRY2_ASSIGN(const auto kind, lines.next(line));
            if (kind == LineReader::Line::End) break;
            if (kind == LineReader::Line::TooLong) {
                bad(lines.number(), "the line is longer than a document may be");
                continue;
            }
            if (lines.number() % kLinesPerReport == 0) task.progress(lines.position(), 0);
            const auto first = line.find_first_not_of(" \t");
            if (first == std::string::npos) continue;
            if (mayBeArray && lines.number() == 1 && (line[first] == '[' || !looksComplete(line)))
                return wholeDocument(lines, std::move(line));
            FAIRY2_TRY(record(line, lines.number()));
        }
        return {};
    }

    static bool looksComplete(const std::string& line) {
        return line.find_last_not_of(" \t") != std::string::npos && line[line.find_last_not_of(" \t")] == '}';
    }

    // A .json file that is one value over many lines: an array of objects, or a single object.
    base::Result<void> wholeDocument(LineReader& lines, std::string content) {
        std::string line;
        for (;;) {
            FAIRY2_ASSIGN(const auto kind, lines.next(line));
            if (kind == LineReader::Line::End) break;
            if (kind == LineReader::Line::TooLong ||
                content.size() + line.size() > m_options.maxDocumentBytes)
                return base::badInput(
                    fmt::format("one JSON value of more than {} MiB", m_options.maxDocumentBytes >> 20),
                    m_file, {}, "write one object a line (.jsonl)");
            content += '\n';
            content += line;
        }
        FAIRY2_ASSIGN(const auto value, base::parseJson(content, m_file, {m_options.maxDocumentBytes, 64}));
        if (!value.is_array()) return object(value, 1);
        std::int64_t index = 0;
        for (const auto& element : value) {
            if (m_stopped) break;
            FAIRY2_TRY(object(element, ++index));
        }
        return {};
    }

    base::Result<void> record(const std::string& line, std::int64_t number) {
        const auto value = base::parseJson(line, m_file, {m_options.maxDocumentBytes, 64});
        if (!value) {
            bad(number, value.error().message);
            return {};
        }
        return object(*value, number);
    }

    base::Result<void> object(const base::Json& value, std::int64_t number) {
        if (!value.is_object()) {
            bad(number, fmt::format("a JSON object was expected, this is a {}", value.type_name()));
            return {};
        }
        if (m_statistics.columns.empty()) {
            std::vector<std::string> names;
            std::vector<std::string> texts;
            for (const auto& [key, field] : value.items()) {
                names.push_back(key);
                if (field.is_string()) texts.push_back(key);
            }
            FAIRY2_TRY(chooseColumn(names, texts));
        }
        const auto found = value.find(m_statistics.column);
        if (found == value.end() || !found->is_string()) {
            bad(number, fmt::format("the field '{}' is {}", m_statistics.column,
                                    found == value.end() ? "missing" : "not a string"));
            return {};
        }
        emit(found->get<std::string>());
        return {};
    }

    // Keeps the names of the first record and settles which of its text fields is read.
    base::Result<void> chooseColumn(const std::vector<std::string>& names,
                                    const std::vector<std::string>& texts) {
        m_statistics.columns = names;
        const auto has = [](const std::vector<std::string>& list, const std::string& name) {
            return std::find(list.begin(), list.end(), name) != list.end();
        };
        if (!m_statistics.column.empty()) {
            if (has(names, m_statistics.column)) return {};
            return noColumn(fmt::format("there is no field '{}'", m_statistics.column));
        }
        for (const char* usual : {"text", "content", "raw_content", "body", "document", "story", "code"}) {
            if (!has(texts, usual)) continue;
            m_statistics.column = usual;
            return {};
        }
        if (texts.size() != 1) return noColumn("which field holds the text cannot be guessed");
        m_statistics.column = texts.front();
        return {};
    }

    base::Result<void> parquet(const base::Path& path, const base::Task& task) {
        FAIRY2_ASSIGN(const auto columns, parquetColumns(path));
        std::vector<std::string> names;
        std::vector<std::string> texts;
        for (const auto& column : columns) {
            names.push_back(column.name);
            if (column.text) texts.push_back(column.name);
        }
        if (m_statistics.columns.empty()) FAIRY2_TRY(chooseColumn(names, texts));
        std::int64_t row = 0;
        FAIRY2_TRY(readParquetColumn(path, m_statistics.column, [&](std::optional<std::string_view> text) {
            ++row;
            if (!text)
                bad(row, fmt::format("the field '{}' is null", m_statistics.column));
            else if (text->size() > m_options.maxDocumentBytes)
                bad(row, "the document is longer than one may be");
            else
                emit(std::string(*text));
            return !m_stopped && !task.cancelled();
        }));
        if (task.cancelled()) return base::cancelled();
        return {};
    }

    tl::unexpected<base::Error> noColumn(const std::string& why) const {
        return base::badInput(why, m_file, "column",
                              fmt::format("choose one of: {}", fmt::join(m_statistics.columns, ", ")));
    }

    base::Result<void> text(LineReader& lines, const base::Task& task) {
        std::string document;
        std::string line;
        bool tooLong = false;
        const auto finish = [&] {
            while (!document.empty() && (document.back() == '\n' || document.back() == ' '))
                document.pop_back();
            if (tooLong)
                bad(lines.number(), "the document is longer than one may be");
            else if (document.find_first_not_of(" \n\t") != std::string::npos)
                emit(std::move(document));
            document.clear();
            tooLong = false;
        };
        while (!m_stopped) {
            if (task.cancelled()) return base::cancelled();
            FAIRY2_ASSIGN(const auto kind, lines.next(line));
            if (kind == LineReader::Line::End) break;
            if (line == kSeparator) {
                finish();
                continue;
            }
            tooLong = tooLong || kind == LineReader::Line::TooLong ||
                      document.size() + line.size() > m_options.maxDocumentBytes;
            if (!tooLong) document += line + '\n';
        }
        if (!m_stopped) finish();
        return {};
    }

    void emit(std::string text) {
        if (!validUtf8(text))
            return bad(m_statistics.documents + m_statistics.badRecords + 1, "not valid UTF-8");
        ++m_statistics.documents;
        m_statistics.textBytes += static_cast<std::int64_t>(text.size());
        m_stopped = !m_document(std::move(text));
    }

    // JSON text was checked by its parser; this is for plain text files.
    static bool validUtf8(const std::string& text) {
        for (std::size_t i = 0; i < text.size();) {
            const auto lead = static_cast<unsigned char>(text[i]);
            const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
            if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || i + length > text.size()) return false;
            for (std::size_t k = 1; k < length; ++k)
                if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
            const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0U;
            // Overlong forms, surrogates and values past U+10FFFF (RFC 3629, section 4).
            if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
                return false;
            i += length;
        }
        return true;
    }

    void bad(std::int64_t where, const std::string& why) {
        ++m_statistics.badRecords;
        if (m_statistics.problems.size() < kProblemsKept)
            m_statistics.problems.push_back(fmt::format("{}:{}: {}", m_file, where, why));
    }

    const ReadOptions& m_options;
    const std::function<bool(std::string&&)>& m_document;
    ReadStatistics m_statistics;
    std::string m_file;
    bool m_stopped = false;
};

} // namespace

base::Result<std::vector<base::Path>> findCorpusFiles(const std::string& pathOrPattern) {
    std::vector<base::Path> files;
    std::error_code error;
    if (std::filesystem::is_directory(pathOrPattern, error)) {
        std::filesystem::recursive_directory_iterator entries(
            pathOrPattern, std::filesystem::directory_options::skip_permission_denied, error);
        for (const auto end = std::filesystem::recursive_directory_iterator(); !error && entries != end;
             entries.increment(error))
            if (entries->is_regular_file(error) && !typeOf(entries->path()).empty())
                files.push_back(entries->path());
        std::sort(files.begin(), files.end());
        if (files.empty())
            return base::badInput(
                "the folder holds no corpus file", pathOrPattern, {},
                "put .parquet, .jsonl, .json or .txt files there, the last three also with .gz or .zst");
        return files;
    }
    if (std::filesystem::exists(pathOrPattern, error)) return std::vector<base::Path>{pathOrPattern};
    glob_t matches{};
    if (::glob(pathOrPattern.c_str(), GLOB_TILDE, nullptr, &matches) == 0)
        for (std::size_t i = 0; i < matches.gl_pathc; ++i)
            files.emplace_back(matches.gl_pathv[i]);
    ::globfree(&matches);
    if (files.empty())
        return base::fail(base::ErrorCode::NotFound, "no such file, folder or pattern", pathOrPattern);
    return files;
}

base::Result<ReadStatistics> readDocuments(const std::vector<base::Path>& files, const ReadOptions& options,
                                           const std::function<bool(std::string&&)>& document,
                                           const base::Task& task) {
    Reading reading(options, document);
    std::error_code error;
    std::int64_t total = 0;
    for (const auto& file : files)
        total += static_cast<std::int64_t>(std::filesystem::file_size(file, error));
    std::int64_t done = 0;
    for (const auto& file : files) {
        if (reading.stopped()) break;
        const auto name = file.filename().string();
        base::Task inner{task.cancel, {}};
        if (task.report)
            inner.report = [&](std::int64_t position, std::int64_t, const std::string&) {
                task.progress(done + position, total, name);
            };
        FAIRY2_TRY(reading.file(file, inner));
        done += static_cast<std::int64_t>(std::filesystem::file_size(file, error));
        task.progress(done, total, name);
    }
    return reading.take();
}

} // namespace fairy2::data
