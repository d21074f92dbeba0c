/* The BMC starts again (Cold Reset, Warm Reset: IPMI 2.0, sections 20.2 and 20.3): sessions end,
 * state is read again, the guest is not touched. Loop thread. */
#ifndef VBMC_INSTANCE_RESTART_H
#define VBMC_INSTANCE_RESTART_H

#include <stdbool.h>
#include <stdint.h>

struct instance;

/* Until then repeats of the request are answered, and the client that asked closes its session. */
#define INSTANCE_RESTART_AFTER_MS 500
/* So long it waits beyond that for what sessions are still to be answered: that includes the
 * request itself, which is answered when its record is on disk. */
#define INSTANCE_RESTART_PATIENCE_MS 5000
/* So long it answers nothing. */
#define INSTANCE_RESTART_TAKES_MS 500

/* Begins it after INSTANCE_RESTART_AFTER_MS; one that is under way goes on. The time at which
 * instance_restart_tick is due. */
uint64_t instance_restart_ask(struct instance *instance, uint64_t now_ms);
void instance_restart_tick(struct instance *instance, uint64_t now_ms);
/* When instance_restart_tick has something to do; UINT64_MAX if it has not. */
uint64_t instance_restart_deadline(const struct instance *instance);
/* It is on its way up and takes no datagram. */
bool instance_is_restarting(const struct instance *instance, uint64_t now_ms);
/* How often it has started again in this process. */
unsigned instance_restarts(const struct instance *instance);

#endif
