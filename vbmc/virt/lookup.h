/* Finding the domain of a job. */
#ifndef VBMC_VIRT_LOOKUP_H
#define VBMC_VIRT_LOOKUP_H

#include <stddef.h>

#include <libvirt/libvirt.h>

struct uuid;

/* One of the worker's threads. 0 with the domain of that UUID, to be freed by virDomainFree; or a
 * negative error with its text and no domain: -EHOSTUNREACH (`connection` is NULL: there is none),
 * -ENODEV, or as virt_last_error. */
int virt_look_up(virConnectPtr connection, const struct uuid *uuid, virDomainPtr *domain,
                 char *text, size_t size);

#endif
