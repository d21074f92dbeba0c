/* The guest of one BMC: which domain it is, and what happens to it. */
#ifndef VBMC_INSTANCE_GUEST_H
#define VBMC_INSTANCE_GUEST_H

#include "vbmc/host/host.h"

struct hypervisor;
struct instance;
struct virt_domain;

/* Gives or takes (NULL) the domain. */
void instance_set_domain(struct instance *instance, struct virt_domain *domain);
/* Another hypervisor's copy of the domain has appeared or changed its state; it may be what the
 * guest is moving to. */
void instance_expect(struct instance *instance, struct virt_domain *copy);
/* That copy is about to be freed. */
void instance_lose_copy(struct instance *instance, const struct virt_domain *copy);
/* A hypervisor is about to go with all its domains. */
void instance_lose_hypervisor(struct instance *instance, const struct hypervisor *hypervisor);
struct virt_domain *instance_domain(const struct instance *instance);
/* No hypervisor has its domain, and by then (the loop's time) it is removed; 0: that is not so. */
void instance_set_lost_until(struct instance *instance, uint64_t time_ms);
uint64_t instance_lost_until(const struct instance *instance);

/* The driver's events, in the order they happened. */
void instance_host_event(struct instance *instance, enum host_event event);
/* The daemon has started, and this BMC is one that was stored. */
void instance_note_restart(struct instance *instance);

#endif
