/* libvirt's errors as negative errno values. */
#ifndef VBMC_VIRT_ERROR_H
#define VBMC_VIRT_ERROR_H

#include <stddef.h>

/* libvirt's last error on this thread: -ENODEV, -EINVAL (not possible in this state), -ENOTSUP,
 * -EHOSTUNREACH or -EIO, with its text in `text`. */
int virt_last_error(char *text, size_t size);

/* For want of a connection: -EHOSTUNREACH, with its text in `text`. */
int virt_no_connection(char *text, size_t size);

#endif
