/* Ownership at the declaration: a variable marked with one of these is released when it goes out of
 * scope. A module that owns an opaque type declares its own cleanup_* beside the free function. */
#ifndef VBMC_BASE_CLEANUP_H
#define VBMC_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free_pointer(void *address)
{
    free(*(void **)address);
}

static inline void cleanup_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define CLEANUP_FREE  CLEANUP(cleanup_free_pointer)
#define CLEANUP_CLOSE CLEANUP(cleanup_close_fd)

/* Hands the owned pointer out of a CLEANUP_FREE variable and leaves NULL behind. */
static inline void *cleanup_steal_pointer(void *address)
{
    void *value = *(void **)address;

    *(void **)address = NULL;
    return value;
}

#endif
