// SPDX-License-Identifier: Apache-2.0
#include "data/arrow/interface.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <cstdio>
#include <exception>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <string>

namespace {

// A hostile page header can ask for any size; beyond this the file is refused.
constexpr int64_t kMemoryLimit = int64_t{2} << 30;
constexpr int64_t kRowsAtOnce = 512;

bool isText(const arrow::DataType& type) {
    switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
        return true;
    default:
        return false;
    }
}

arrow::Result<std::unique_ptr<parquet::arrow::FileReader>> open(const std::string& path,
                                                                arrow::MemoryPool* pool) {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path, pool));
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(std::move(file), parquet::ReaderProperties(pool)));
    parquet::ArrowReaderProperties properties;
    properties.set_batch_size(kRowsAtOnce);
    properties.set_use_threads(false);
    builder.memory_pool(pool)->properties(properties);
    return builder.Build();
}

arrow::Status columns(const std::string& path, const Fairy2ParquetSink& sink) {
    arrow::CappedMemoryPool pool(arrow::default_memory_pool(), kMemoryLimit);
    ARROW_ASSIGN_OR_RAISE(auto reader, open(path, &pool));
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
    for (const auto& field : schema->fields())
        sink.column(sink.context, field->name().c_str(), isText(*field->type()) ? 1 : 0);
    return arrow::Status::OK();
}

template <typename Array>
bool handOver(const arrow::Array& values, const Fairy2ParquetSink& sink) {
    const auto& strings = static_cast<const Array&>(values);
    for (int64_t i = 0; i < strings.length(); ++i) {
        const auto view = strings.GetView(i);
        const bool more = strings.IsNull(i) ? sink.value(sink.context, nullptr, 0) != 0
                                            : sink.value(sink.context, view.data(), view.size()) != 0;
        if (!more) return false;
    }
    return true;
}

bool handOver(const arrow::Array& values, const Fairy2ParquetSink& sink) {
    switch (values.type_id()) {
    case arrow::Type::LARGE_STRING:
        return handOver<arrow::LargeStringArray>(values, sink);
    case arrow::Type::LARGE_BINARY:
        return handOver<arrow::LargeBinaryArray>(values, sink);
    case arrow::Type::STRING:
        return handOver<arrow::StringArray>(values, sink);
    default:
        return handOver<arrow::BinaryArray>(values, sink);
    }
}

arrow::Status read(const std::string& path, const std::string& column, const Fairy2ParquetSink& sink) {
    arrow::CappedMemoryPool pool(arrow::default_memory_pool(), kMemoryLimit);
    ARROW_ASSIGN_OR_RAISE(auto reader, open(path, &pool));
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
    const auto field = schema->GetFieldByName(column);
    const int leaf = reader->parquet_reader()->metadata()->schema()->ColumnIndex(column);
    if (!field || leaf < 0) return arrow::Status::Invalid("there is no column '", column, "'");
    if (!isText(*field->type()))
        return arrow::Status::Invalid("the column '", column, "' holds ", field->type()->ToString(),
                                      ", not text");
    for (int group = 0; group < reader->num_row_groups(); ++group) {
        ARROW_ASSIGN_OR_RAISE(auto batches, reader->GetRecordBatchReader({group}, {leaf}));
        for (;;) {
            std::shared_ptr<arrow::RecordBatch> batch;
            ARROW_RETURN_NOT_OK(batches->ReadNext(&batch));
            if (!batch) break;
            ARROW_RETURN_NOT_OK(batch->ValidateFull());
            if (!handOver(*batch->column(0), sink)) return arrow::Status::OK();
        }
    }
    return arrow::Status::OK();
}

// Arrow reports by Status, Parquet below it may throw: neither crosses the C interface.
template <typename Work>
int guarded(char* error, size_t errorSize, Work&& work) {
    try {
        const arrow::Status status = work();
        if (status.ok()) return 0;
        std::snprintf(error, errorSize, "%s", status.message().c_str());
    } catch (const std::exception& exception) {
        std::snprintf(error, errorSize, "%s", exception.what());
    }
    return 1;
}

} // namespace

extern "C" {

int fairy2_arrow_version(void) {
    return FAIRY2_ARROW_VERSION;
}

int fairy2_parquet_columns(const char* path, const struct Fairy2ParquetSink* sink, char* error,
                           size_t errorSize) {
    return guarded(error, errorSize, [&] { return columns(path, *sink); });
}

int fairy2_parquet_read(const char* path, const char* column, const struct Fairy2ParquetSink* sink,
                        char* error, size_t errorSize) {
    return guarded(error, errorSize, [&] { return read(path, column, *sink); });
}
}
