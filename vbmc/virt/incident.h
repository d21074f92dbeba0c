/* What happens to a guest, told by libvirt's events: how it came to its end, a panic of its kernel,
 * an error of a disk, an error inside of QEMU. Loop thread. */
#ifndef VBMC_VIRT_INCIDENT_H
#define VBMC_VIRT_INCIDENT_H

#include "vbmc/virt/domain.h"

/* A lifecycle event as libvirt tells it; says HOST_EVENT_PANICKED, and keeps why the guest stopped
 * until virt_incident_stopped. */
void virt_incident_lifecycle(struct virt_domain *domain, int event, int detail);
/* HOST_EVENT_IO_ERROR for the disk of that alias, once in a second for each disk. */
void virt_incident_io_error(struct virt_domain *domain, const char *alias);
void virt_incident_agent_connected(struct virt_domain *domain);
/* A pause for which libvirt knows no reason: asks QEMU for one, and says HOST_EVENT_INTERNAL_ERROR
 * if that is it. Asks once in each pause. */
void virt_incident_paused(struct virt_domain *domain);
/* The guest runs (again): what comes is new. */
void virt_incident_running(struct virt_domain *domain);
/* The guest is off: sets stop_reason from what libvirt's state says (`seen`, HOST_STOP_UNKNOWN if
 * that could not be looked at) and what its events said. */
void virt_incident_stopped(struct virt_domain *domain, enum host_stop_reason seen);

#endif
