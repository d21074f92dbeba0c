/* Breaks on their way to a guest's serial port. Input that is typed behind one waits for it: the
 * key behind a break is for the kernel, not for the shell. */
#ifndef VBMC_CONSOLE_BREAKS_H
#define VBMC_CONSOLE_BREAKS_H

#include <sys/queue.h>

#include "vbmc/host/host.h"

struct hub;

/* Initialised by LIST_INIT(&breaks->list) and zeros. */
struct console_breaks {
    LIST_HEAD(console_break_list, console_break) list;
    unsigned count;
};

/* See console_send_break. `hub` holds its input until the break has been answered, and outlives
 * that. */
int console_breaks_send(struct console_breaks *breaks, struct hub *hub, struct host_domain *host,
                        const char *alias, host_done_fn *done, void *context);
/* The domain is about to go: they are answered with -ENODEV. */
void console_breaks_end(struct console_breaks *breaks, struct host_domain *host);

#endif
