/* What the fuzz targets share. fuzz_NAME.c is the target NAME: what it reads, and as what, stands
 * at its top, with a line "Files:" of the sources that it is for (tests/fuzz/coverage.sh). Its
 * first inputs are in tests/fuzz/corpus/NAME. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The entry of a target; returns 0. libFuzzer calls it by this name. In the replay of the corpora
 * (tests/unit/fuzz/test_fuzz_corpus.c) it is called fuzz_NAME, by the Makefile. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What must always be true. */
static inline void fuzz_require(bool truth)
{
    if (!truth)
        abort();
}

/* The bytes up to the first NUL as text, in memory of exactly that size, so that a read behind it
 * is seen. To be freed. */
static inline char *fuzz_text(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = size ? memchr(bytes, '\0', size) : NULL;
    size_t length = end ? (size_t)(end - bytes) : size;
    char *text = malloc(length + 1);

    fuzz_require(text != NULL);
    if (length)
        memcpy(text, bytes, length);
    text[length] = '\0';
    return text;
}

/* The same for bytes, of which there may be none. */
static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    fuzz_require(copy != NULL);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

#endif
