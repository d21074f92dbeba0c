/* Applies what libvirt reports of a domain to its state, and has the other files of the driver
 * react to the change. Loop thread. */
#ifndef VBMC_VIRT_DOMAIN_STATE_H
#define VBMC_VIRT_DOMAIN_STATE_H

#include <stdbool.h>

#include "vbmc/host/host.h"

struct virt_domain;
struct virt_facts;

/* Applies the facts and reports what has changed. `live`: seen as it happened, not discovered
 * afterwards (a guest whose start was missed is not reset for its boot override). */
void virt_domain_apply_facts(struct virt_domain *domain, struct virt_facts *facts, bool live);
/* The hardware alone; true if it has changed. */
bool virt_domain_take_hardware(struct virt_domain *domain, struct virt_facts *facts);
void virt_domain_set_state(struct virt_domain *domain, enum host_power_state state, bool live);

#endif
