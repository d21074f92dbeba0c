/* Looking at domains, by the keeper thread (worker.h), so that what is seen comes to the loop in
 * the order in which it was true. hypervisor_look_at and hypervisor_look_for too (hypervisor.h). */
#ifndef VBMC_VIRT_LOOK_H
#define VBMC_VIRT_LOOK_H

#include "vbmc/virt/hypervisor.h"

/* Looks which domains there are, and at each. */
void virt_look_at_all(struct hypervisor *hypervisor);

#endif
