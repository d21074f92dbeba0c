/* Faults of a server that `vbmc inject` makes. */
#ifndef VBMC_PLATFORM_INJECT_H
#define VBMC_PLATFORM_INJECT_H

#include <stddef.h>

#include "vbmc/physics/faults.h"

struct platform;

/* Those that last, as they are now. */
const struct faults *platform_faults(const struct platform *platform);
/* The change acts at once; the caller says so by hooks->changed. 0, -ENOSPC, or -ENOENT with a line
 * in `error` (the server has no such part). */
int platform_inject(struct platform *platform, const struct fault *fault, char *error,
                    size_t error_size);
/* As faults_clear; the change acts at once. */
unsigned platform_clear_faults(struct platform *platform, const struct fault *like,
                               const enum fault_kind *kind);
/* What was stored, without events. */
void platform_restore_faults(struct platform *platform, const struct faults *faults);

#endif
