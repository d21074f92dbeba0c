/* libvirt's embedded QEMU driver (qemu:///embed?root=DIR): guests without any libvirtd. */
#ifndef VBMC_VIRT_EMBEDDED_H
#define VBMC_VIRT_EMBEDDED_H

#include <stddef.h>

/* The process has given up what guests that are its children need: none is to be connected to from
 * now on. */
void embedded_forbid(void);
/* 0, or -EPERM with its text. */
int embedded_check(char *text, size_t size);

/* Makes sure that guests can start there: the driver needs virtlogd for their output unless
 * ROOT/etc/qemu.conf says otherwise, and nothing starts virtlogd for it. Writes that file if there
 * is none; an existing one is not changed. What libvirt keeps of guests that ran before a boot of
 * this machine, or in a container that is gone, is removed. Any thread. 0, -EPERM
 * (embedded_forbid), or a negative error with its text. */
int embedded_prepare(const char *uri, char *text, size_t size);

#endif
