/* libvirt's errors as ours. */
#ifndef VBMC_VIRT_ERROR_H
#define VBMC_VIRT_ERROR_H

#include <stddef.h>

/* A negative error for libvirt's last one on this thread: -ENODEV, -EINVAL (not possible in this
 * state), -ENOTSUP, -EHOSTUNREACH or -EIO; its text goes to `text`. */
int virt_last_error(char *text, size_t size);

/* -EHOSTUNREACH with its text: there is no connection. */
int virt_no_connection(char *text, size_t size);

#endif
