/* The log of a console, in a file by the name of its domain. */
#ifndef VBMC_CONSOLE_NAMED_LOG_H
#define VBMC_CONSOLE_NAMED_LOG_H

#include <sys/queue.h>

#include "vbmc/base/uuid.h"

struct config_bmc;
struct hub;

/* All zeros: none is kept. */
struct named_log {
    struct console_log *log;
    struct hub *hub;
    char *path;                 /* with the suffix, if there is one */
    char *name;                 /* the path without it; NULL: none is kept */
    struct uuid uuid;           /* for the suffix */
    LIST_ENTRY(named_log) link; /* of those that are kept */
};

/* Keeps the log of `hub` as the configuration says, or keeps none. `hub` outlives it. Failures are
 * logged: the next configuration tries again. */
void named_log_configure(struct named_log *log, struct hub *hub, const struct config_bmc *bmc,
                         const char *domain, const struct uuid *uuid);
void named_log_end(struct named_log *log);

#endif
