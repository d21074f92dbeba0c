/* What vbmcd owes to being a process: the duties of process 1, and an end when it is asked to end.
 */
#ifndef VBMC_PROCESS_PROCESS_H
#define VBMC_PROCESS_PROCESS_H

#include <uv.h>

/* In process 1 of a PID namespace (a container): returns in a child, which does the work, while
 * this process hands signals on, reaps whatever ends and leaves with the child's status. QEMU's
 * processes are orphans: one that nobody reaps stays a zombie, which libvirt takes for a running
 * guest. In any other process it does nothing. 0, or a negative error; only the child or a process
 * that is not the first returns 0. */
int process_be_first(void);

/* SIGINT and SIGTERM: `stop` runs once, on the loop. Should the loop not come to that, or not to
 * its end within so many seconds of the signal, the process leaves all the same: what was
 * acknowledged is on disk. `handle` is closed by process_forget_stop. */
int process_watch_stop(uv_loop_t *loop, uv_async_t *handle, unsigned within_s,
                       void (*stop)(void *context), void *context);
void process_forget_stop(void);

#endif
