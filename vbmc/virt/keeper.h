/* A hypervisor's main connection: opened and closed on the worker's keeper thread, with the results
 * applied on the loop, where this one and the consoles' are checked. */
#ifndef VBMC_VIRT_KEEPER_H
#define VBMC_VIRT_KEEPER_H

#include "vbmc/virt/worker.h"

struct hypervisor;

/* What the worker opens and closes; the context is the hypervisor. */
extern const struct worker_ops virt_keeper_ops;

/* Loop thread. The main connection is lost: every domain's state is unknown until it is back. */
void virt_keeper_lost(struct hypervisor *hypervisor);

/* Loop thread. From now on connections are checked and guests are sampled once in each period. */
void virt_keeper_start_timers(struct hypervisor *hypervisor, unsigned period_s);
/* `done` runs when the loop has turned. */
void virt_keeper_close_timers(struct hypervisor *hypervisor, void (*done)(struct hypervisor *));

#endif
