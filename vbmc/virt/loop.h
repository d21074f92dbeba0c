/* libvirt's event loop interface (virEventRegisterImpl) on libuv: the descriptors and timers that
 * libvirt's connections need are served by our loop. libvirt adds, changes and removes them from
 * any thread, so that each call only records what is wanted and wakes the loop. */
#ifndef VBMC_VIRT_LOOP_H
#define VBMC_VIRT_LOOP_H

#include <uv.h>

/* Once per process (libvirt's registration is global), before the first connection is opened.
 * 0, or -ENOMEM. */
int virt_loop_start(uv_loop_t *loop);
/* After the last connection was closed; the loop has to turn once more. */
void virt_loop_stop(void);

#endif
