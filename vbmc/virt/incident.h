/* Incidents of a guest, from libvirt's events: why it stopped, a kernel panic, an I/O error of a
 * disk, an internal error of QEMU. Loop thread. */
#ifndef VBMC_VIRT_INCIDENT_H
#define VBMC_VIRT_INCIDENT_H

#include "vbmc/host/host.h"

struct virt_domain;

/* A lifecycle event of libvirt: reports HOST_EVENT_PANICKED, and keeps the reason of a stop until
 * virt_incident_stopped. */
void virt_incident_lifecycle(struct virt_domain *domain, int event, int detail);
/* HOST_EVENT_IO_ERROR for the disk of that alias, once in a second for each disk. */
void virt_incident_io_error(struct virt_domain *domain, const char *alias);
void virt_incident_agent_connected(struct virt_domain *domain);
/* A pause for which libvirt has no reason: asks QEMU, once in each pause, and reports
 * HOST_EVENT_INTERNAL_ERROR if that is the reason. */
void virt_incident_paused(struct virt_domain *domain);
/* The guest runs (again): forgets what happened before. */
void virt_incident_running(struct virt_domain *domain);
/* The guest is off: sets stop_reason from the reason of libvirt's state (`seen`, HOST_STOP_UNKNOWN
 * if it could not be read) and its events. */
void virt_incident_stopped(struct virt_domain *domain, enum host_stop_reason seen);

#endif
