/* Power actions of a libvirt domain. */
#ifndef VBMC_VIRT_POWER_H
#define VBMC_VIRT_POWER_H

#include "vbmc/host/host.h"

struct virt_domain;

/* struct host_ops.power. */
void power_begin(struct host_domain *host, enum host_power_action action, unsigned cycle_interval_s,
                 host_done_fn *done, void *context);
/* The connection is back: resumes a guest that was left paused between two steps. */
void power_reconcile(struct virt_domain *domain);

#endif
