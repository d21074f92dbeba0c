/* Changes to a running guest that need not be ordered with the power actions: the link of a NIC and
 * the CPU quota. They run on action threads, in parallel with everything else. */
#ifndef VBMC_VIRT_ADJUSTMENT_H
#define VBMC_VIRT_ADJUSTMENT_H

#include "vbmc/host/host.h"

struct virt_domain;

/* set_link and set_cpu_quota of struct host_ops. */
void virt_adjustment_set_link(struct host_domain *host, const uint8_t mac[6], bool up,
                              host_done_fn *done, void *context);
void virt_adjustment_set_cpu_quota(struct host_domain *host, unsigned permille, host_done_fn *done,
                                   void *context);
void virt_adjustment_cancel(struct virt_domain *domain, const void *context);

#endif
