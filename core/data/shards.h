// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/progress.h"
#include "data/documents.h"
#include "tensors/safetensors.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fairy2::data {

/// How a corpus becomes token shards.
struct PrepareOptions {
    base::Path tokenizer;                  ///< folder or tokenizer.json
    ReadOptions reading;                   ///< text column and limits
    std::optional<std::int32_t> separator; ///< id after each document; absent = the model's end-of-text id
    std::int64_t shardTokens = std::int64_t{1} << 24; ///< a shard ends with the document that reaches this
    int threads = 0;                                  ///< 0 = all
};

/// index.json of a shard folder.
struct ShardIndex {
    std::string tokenizerSha256; ///< of the tokenizer's files
    std::int64_t vocabSize = 0;
    std::int32_t separator = 0;
    std::string column;
    std::vector<std::string> columns;
    struct Source {
        std::string file;
        std::uint64_t bytes = 0;
        std::string sha256;
    };
    std::vector<Source> sources;
    struct Shard {
        std::string file;
        std::int64_t tokens = 0;
        std::int64_t documents = 0;
        std::string sha256;
    };
    std::vector<Shard> shards;
    std::int64_t documents = 0;
    std::int64_t tokens = 0;    ///< separators counted
    std::int64_t textBytes = 0; ///< of the documents, UTF-8
    std::int64_t badRecords = 0;
    std::vector<std::string> problems;

    [[nodiscard]] base::Json toJson() const;
    [[nodiscard]] static base::Result<ShardIndex> fromJson(const base::Json& json, const std::string& file);
};

/// Tokenises a corpus into `folder`: tokens-NNNNN.safetensors with `ids` (U16 below 65 536 ids, else I32;
/// documents in source order, each followed by the separator) and `ends` (I64, one past each document), and
/// index.json, which is written last. Killed and started again with the same sources and options it goes on
/// after the last whole shard and gives the same bytes; with others it refuses. Documents are encoded on all
/// cores.
[[nodiscard]] base::Result<ShardIndex> prepareShards(const std::vector<std::string>& sources,
                                                     const base::Path& folder, const PrepareOptions& options,
                                                     const base::Task& task = {});

/// A prepared corpus, mapped: one stream of token ids.
class TokenShards {
public:
    [[nodiscard]] static base::Result<TokenShards> open(const base::Path& folder);

    [[nodiscard]] const ShardIndex& index() const noexcept { return m_index; }
    [[nodiscard]] std::int64_t tokens() const noexcept { return m_index.tokens; }
    [[nodiscard]] std::int64_t documents() const noexcept { return m_index.documents; }
    /// Copies the ids [begin, begin + out.size()) of the stream, across shards; the range must lie inside it.
    void read(std::int64_t begin, std::span<std::int32_t> out) const;
    /// Ids of one document, its separator left out.
    [[nodiscard]] std::vector<std::int32_t> document(std::int64_t number) const;

private:
    struct Shard {
        tensors::SafetensorsFile file;
        std::span<const std::byte> ids;
        std::span<const std::byte> ends;
        std::int64_t firstToken = 0;
        std::int64_t firstDocument = 0;
    };
    ShardIndex m_index;
    std::vector<Shard> m_shards;
    bool m_narrow = false; ///< ids are U16
};

} // namespace fairy2::data
