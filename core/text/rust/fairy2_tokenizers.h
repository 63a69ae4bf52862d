/* SPDX-License-Identifier: Apache-2.0
 * C interface of the crate beside this file. A call that fails gives null or false and sets *error to a text
 * that the caller frees with fairy2_tokenizer_free_error. All calls on one tokenizer may run at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Fairy2Tokenizer Fairy2Tokenizer;

/* A tokenizer from the bytes of a tokenizer.json; truncation and padding stored there are switched off. */
Fairy2Tokenizer* fairy2_tokenizer_open(const uint8_t* json, size_t length, char** error);
void fairy2_tokenizer_free(Fairy2Tokenizer* tokenizer);

/* Ids of a UTF-8 text; free with fairy2_tokenizer_free_ids(*ids, *count). */
bool fairy2_tokenizer_encode(const Fairy2Tokenizer* tokenizer, const uint8_t* text, size_t length,
                             bool add_special, uint32_t** ids, size_t* count, char** error);
void fairy2_tokenizer_free_ids(uint32_t* ids, size_t count);

/* UTF-8 text of ids, not terminated; free with fairy2_tokenizer_free_text(*text, *length). */
bool fairy2_tokenizer_decode(const Fairy2Tokenizer* tokenizer, const uint32_t* ids, size_t count,
                             bool skip_special, uint8_t** text, size_t* length, char** error);
void fairy2_tokenizer_free_text(uint8_t* text, size_t length);

/* How many tokens there are, added ones included, and the largest id. */
bool fairy2_tokenizer_vocab(const Fairy2Tokenizer* tokenizer, size_t* size, uint32_t* largest_id,
                            char** error);

void fairy2_tokenizer_free_error(char* error);

#ifdef __cplusplus
}
#endif
