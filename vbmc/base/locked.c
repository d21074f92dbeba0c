#include "vbmc/base/locked.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"

/* NULL: there is no range. */
static locked_zalloc *range_zalloc;
static locked_wipe_and_free *range_free;

void locked_use_range(locked_zalloc *zalloc, locked_wipe_and_free *wipe_and_free)
{
    range_zalloc = zalloc;
    range_free = wipe_and_free;
}

void *locked_calloc(size_t count, size_t size)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    void *memory;

    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    size_t total = count * size > 0 ? count * size : 1;
    memory = range_zalloc ? range_zalloc(total) : NULL;
    if (memory)
        return memory;
    if (range_zalloc && !atomic_flag_test_and_set(&told))
        log_warning(
            "memory that is locked for passwords and keys is used up: further ones may be swapped "
            "out; raise RLIMIT_MEMLOCK (LimitMEMLOCK= of the unit)");
    return calloc(1, total);
}

char *locked_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = locked_calloc(1, size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void locked_move_text(char **text)
{
    char *copy = *text ? locked_copy_text(*text) : NULL;

    if (!copy)
        return;
    locked_free_text(*text);
    *text = copy;
}

void locked_free_text(char *text)
{
    if (text)
        locked_free(text, strlen(text) + 1);
}

void locked_free(void *memory, size_t size)
{
    if (range_free) {
        range_free(memory, size);
    } else if (memory) {
        explicit_bzero(memory, size);
        free(memory);
    }
}
