/* The faults of a server, for which there is memory from the first one on. */
#include "vbmc/physics/faults.h"

#include <stdlib.h>

#include "vbmc/platform/internal.h"

static const struct faults none;

void platform_begin_faults(struct platform *platform)
{
    platform->faults = &none;
}

void platform_end_faults(struct platform *platform)
{
    if (platform->faults != &none)
        free((struct faults *)platform->faults);
}

struct faults *platform_own_faults(struct platform *platform)
{
    if (platform->faults == &none) {
        struct faults *own = calloc(1, sizeof *own);
        if (!own)
            return NULL;
        platform->faults = own;
    }
    return (struct faults *)platform->faults;
}
