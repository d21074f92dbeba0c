#include "vbmc/base/locked.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

#include "vbmc/base/log.h"

#define SIZE_MAX_BYTES ((size_t)32 << 20)
#define SIZE_MIN_BYTES ((size_t)16 << 10)
#define BLOCK_MIN      64
#define STACK_BYTES    ((size_t)64 << 10)
#define PAGES_BYTES    ((size_t)8 << 10) /* more, as pages are locked whole */

static bool has_range;

/* A power of two, as OpenSSL wants it. */
static size_t size_of_range(size_t used)
{
    struct rlimit limit;
    size_t size = SIZE_MAX_BYTES;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        return SIZE_MIN_BYTES;
    size_t left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
    while (size > SIZE_MIN_BYTES && size > left)
        size /= 2;
    return size;
}

/* The kernel makes the stack as large as what is touched of it. */
__attribute__((noinline)) static bool lock_stack(void)
{
    volatile uint8_t below[STACK_BYTES];

    below[0] = 0;
    return mlock((const void *)below, sizeof below) == 0;
}

int locked_begin(void)
{
    bool has_stack = lock_stack();
    int made = CRYPTO_secure_malloc_init(size_of_range(has_stack ? STACK_BYTES + PAGES_BYTES : 0),
                                         BLOCK_MIN);

    has_range = made != 0;
    if (made == 1 && has_stack)
        return 0;
    log_warning("passwords and keys are kept in memory that may be swapped out: %s",
                made == 0 ? "there is no memory to be locked"
                          : "raise RLIMIT_MEMLOCK (LimitMEMLOCK= of the unit)");
    return made == 0 ? -ENOMEM : -EPERM;
}

void *locked_calloc(size_t count, size_t size)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    void *memory;

    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    size_t total = count * size > 0 ? count * size : 1;
    memory = has_range ? OPENSSL_secure_zalloc(total) : NULL;
    if (memory)
        return memory;
    if (has_range && !atomic_flag_test_and_set(&told))
        log_warning(
            "memory that is locked for passwords and keys is used up: further ones may be swapped "
            "out; raise RLIMIT_MEMLOCK (LimitMEMLOCK= of the unit)");
    return OPENSSL_zalloc(total);
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
    OPENSSL_secure_clear_free(memory, size);
}
