/* A picture of a guest's screen, as its hypervisor makes it. Loop thread. */
#ifndef VBMC_VIRT_SCREENSHOT_H
#define VBMC_VIRT_SCREENSHOT_H

#include "vbmc/host/host.h"

/* host_ops.screenshot; see host_screenshot. The type of the picture is libvirt's word: "image/png"
 * of QEMU 7.1 or later, else "image/x-portable-pixmap". */
void virt_screenshot(struct host_domain *host, host_picture_fn *done, void *context);

#endif
