/* What libvirt says of a domain becomes its state, and the other files of the driver do what that
 * asks for. Loop thread. */
#ifndef VBMC_VIRT_DOMAIN_STATE_H
#define VBMC_VIRT_DOMAIN_STATE_H

#include "vbmc/virt/domain.h"

/* Takes over what libvirt said, and reports what has changed. `live`: as it happens, not found out
 * afterwards (a start that was missed is no reason to reset the guest for its boot override). */
void virt_domain_apply_facts(struct virt_domain *domain, struct virt_facts *facts, bool live);
/* The part of virt_domain_apply_facts that is the hardware; true if it is another now. */
bool virt_domain_take_hardware(struct virt_domain *domain, struct virt_facts *facts);
void virt_domain_set_state(struct virt_domain *domain, enum host_power_state state, bool live);

#endif
