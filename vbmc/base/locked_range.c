#include "vbmc/base/locked_range.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

#include "vbmc/base/locked.h"
#include "vbmc/base/log.h"

#define SIZE_MAX_BYTES ((size_t)32 << 20)
#define SIZE_MIN_BYTES ((size_t)16 << 10)
#define BLOCK_MIN      64
#define STACK_BYTES    ((size_t)64 << 10)
#define PAGES_BYTES    ((size_t)8 << 10) /* more, as pages are locked whole */

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

static void *zalloc(size_t size)
{
    return OPENSSL_secure_zalloc(size);
}

static void wipe_and_free(void *memory, size_t size)
{
    OPENSSL_secure_clear_free(memory, size);
}

int locked_begin(void)
{
    bool has_stack = lock_stack();
    int made = CRYPTO_secure_malloc_init(size_of_range(has_stack ? STACK_BYTES + PAGES_BYTES : 0),
                                         BLOCK_MIN);

    if (made != 0)
        locked_use_range(zalloc, wipe_and_free);
    if (made == 1 && has_stack)
        return 0;
    log_warning("passwords and keys are kept in memory that may be swapped out: %s",
                made == 0 ? "there is no memory to be locked"
                          : "raise RLIMIT_MEMLOCK (LimitMEMLOCK= of the unit)");
    return made == 0 ? -ENOMEM : -EPERM;
}
