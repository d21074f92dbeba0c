#include "vbmc/base/locked.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

#include "vbmc/base/log.h"

#define SIZE_MAX_BYTES ((size_t)32 << 20)
#define SIZE_MIN_BYTES ((size_t)16 << 10)
#define BLOCK_MIN      64

static bool has_range;

/* A power of two, as OpenSSL wants it. */
static size_t size_of_range(void)
{
    struct rlimit limit;
    size_t size = SIZE_MAX_BYTES;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        return SIZE_MIN_BYTES;
    while (size > SIZE_MIN_BYTES && size > limit.rlim_cur)
        size /= 2;
    return size;
}

int locked_begin(void)
{
    int made = CRYPTO_secure_malloc_init(size_of_range(), BLOCK_MIN);

    has_range = made != 0;
    if (made == 1)
        return 0;
    log_warning("passwords are kept in memory that may be swapped out: %s",
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
        log_warning("memory that is locked for passwords is used up: further ones may be swapped "
                    "out; raise RLIMIT_MEMLOCK (LimitMEMLOCK= of the unit)");
    return OPENSSL_zalloc(total);
}

void locked_free(void *memory, size_t size)
{
    OPENSSL_secure_clear_free(memory, size);
}
