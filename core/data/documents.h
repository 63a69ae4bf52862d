// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"
#include "base/progress.h"

#include <functional>
#include <string>
#include <vector>

namespace fairy2::data {

struct ReadOptions {
    std::string column; ///< the text field; empty = guessed from the first record
    std::size_t maxDocumentBytes = std::size_t{64} << 20; ///< longer records are counted as bad
};

/// What reading a corpus came across.
struct ReadStatistics {
    std::int64_t documents = 0;
    std::int64_t textBytes = 0;
    std::int64_t badRecords = 0;
    std::vector<std::string> problems; ///< the first 20 bad records as "file:line: why"
    std::vector<std::string> columns;  ///< of the first record, sorted
    std::string column;                ///< the text field that was read
};

/// Files of a corpus: a file, a folder (all files of a known type below it, sorted by path) or a pattern with
/// * ? []. Known: .jsonl .json .txt, each also with .gz or .zst.
[[nodiscard]] base::Result<std::vector<base::Path>> findCorpusFiles(const std::string& pathOrPattern);

/// Hands every document's text to `document`, file by file in order, until it returns false.
/// .parquet: one row a document. .jsonl: one object a line. .json: one object a line, or one array of
/// objects. .txt: the whole file is a document, unless it has "<|endoftext|>" lines between documents.
/// Records that cannot be read are counted, never fatal; a file that cannot be read is an error. Memory stays
/// bounded by maxDocumentBytes.
[[nodiscard]] base::Result<ReadStatistics>
readDocuments(const std::vector<base::Path>& files, const ReadOptions& options,
              const std::function<bool(std::string&& text)>& document, const base::Task& task = {});

} // namespace fairy2::data
