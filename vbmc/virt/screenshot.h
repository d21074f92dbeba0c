/* A picture of a guest's screen, as its hypervisor makes it. Loop thread. */
#ifndef VBMC_VIRT_SCREENSHOT_H
#define VBMC_VIRT_SCREENSHOT_H

#include <stddef.h>
#include <stdint.h>

#define SCREENSHOT_MAX       (64 * 1024 * 1024)
#define SCREENSHOT_MIME_SIZE 64

struct virt_domain;

struct screenshot {
    char mime[SCREENSHOT_MIME_SIZE]; /* libvirt's word: "image/png" of QEMU 7.1 or later, else
                                        "image/x-portable-pixmap" */
    uint8_t *bytes;
    size_t size; /* at most SCREENSHOT_MAX */
};

/* `picture` is NULL on failure, else borrowed; who takes its `bytes` over (by free) puts NULL
 * there. `text` is for people, NULL on success: the guest is off (-EINVAL), has no screen
 * (-ENOENT, with the XML that adds one), -ENODEV, -ENOTSUP, -EHOSTUNREACH, -EFBIG, -EIO or -ENOMEM.
 */
typedef void screenshot_fn(void *context, int result, struct screenshot *picture, const char *text);

/* `done` runs exactly once, also when the domain vanishes or the hypervisor stops meanwhile. The
 * first screen of the guest. */
void hypervisor_screenshot(struct virt_domain *domain, screenshot_fn *done, void *context);

#endif
