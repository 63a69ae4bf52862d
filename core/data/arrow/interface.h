/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The C interface of fairy2_arrow.so, the module that reads Parquet through Arrow C++. It is loaded with
   RTLD_LOCAL when a Parquet file is met: a hundred megabytes of libraries stay out of every other start, and
   Arrow's protobuf out of the way of everybody else's. */

#ifdef __cplusplus
extern "C" {
#endif

#define FAIRY2_ARROW_VERSION 1

struct Fairy2ParquetSink {
    void* context;
    /* One top-level column; text says whether it holds strings or bytes. */
    void (*column)(void* context, const char* name, int text);
    /* One value; data is null for a null value. Returns 0 to stop. */
    int (*value)(void* context, const char* data, size_t size);
};

/* FAIRY2_ARROW_VERSION of the module. */
int fairy2_arrow_version(void);

/* Names the columns of a file. 0 on success; else `error` holds a sentence. */
int fairy2_parquet_columns(const char* path, const struct Fairy2ParquetSink* sink, char* error,
                           size_t errorSize);

/* Hands over every value of one text column in order. 0 on success or when the sink stopped it. */
int fairy2_parquet_read(const char* path, const char* column, const struct Fairy2ParquetSink* sink,
                        char* error, size_t errorSize);

#ifdef __cplusplus
}
#endif
