/* Screenshots of a guest. Loop thread. */
#ifndef VBMC_VIRT_SCREENSHOT_H
#define VBMC_VIRT_SCREENSHOT_H

#include "vbmc/host/host.h"

/* host_ops.screenshot; see host_screenshot. As a guest may hang in it there is one of each at a
 * time (-EBUSY), and some of a hypervisor (worker.h); others wait for these. libvirt gives the
 * type: "image/png" from QEMU 7.1 on, before that "image/x-portable-pixmap". */
void virt_screenshot(struct host_domain *host, host_picture_fn *done, void *context);

#endif
