/* Goes through the stages of vbmc/process/isolate.h as the configuration wants it, and says what
 * came of it. */
#ifndef VBMC_PROCESS_PRIVILEGES_H
#define VBMC_PROCESS_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct config;
struct openstack;

/* After the control socket was opened and before the first thread is started. `openstack` may be
 * NULL. A daemon that `stands_by` hands over no state folder, which is another daemon's or not even
 * there; with guests of the embedded driver it is refused. What is out of reach from then on is
 * logged. 0, or a negative error with one line in `error`: the process has to end then. */
int privileges_drop(const struct config *config, const struct openstack *openstack, bool stands_by,
                    char *error, size_t size);

/* From now on a system call that is refused is logged, once for each, on the loop. `handle` is
 * closed by privileges_forget, which comes before the loop ends. */
void privileges_watch(uv_loop_t *loop, uv_async_t *handle);
void privileges_forget(void);

/* Of a configuration that is loaded again: -EPERM, with a line in `error`, if it wants what only a
 * process that has kept its privileges can do; else 0. */
int privileges_suffice(const struct config *config, char *error, size_t size);

#endif
