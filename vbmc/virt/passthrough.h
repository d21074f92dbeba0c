/* QMP through libvirt's own monitor (virDomainQemuMonitorCommand), the transport that always works
 * with a QEMU guest. libvirt marks the domain as tainted by it ("custom-monitor"). */
#ifndef VBMC_VIRT_PASSTHROUGH_H
#define VBMC_VIRT_PASSTHROUGH_H

struct uuid;
struct worker;

/* For qmp_client_open. The worker must outlive the client. NULL if there is no memory. */
struct qmp_transport *passthrough_create(struct worker *worker, const struct uuid *uuid);

#endif
