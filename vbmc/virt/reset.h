/* The reset of a guest by QMP, also where its domain says that a reset ends it
 * (<on_reboot>destroy): that is meant for resets that the guest makes, as at the end of an
 * installation. */
#ifndef VBMC_VIRT_RESET_H
#define VBMC_VIRT_RESET_H

#include "vbmc/virt/operation.h"

/* Step, after monitor_step_open with a client: resets the guest. */
operation_step reset_step;
/* The guest was found running, or its hypervisor is back: what a reset of before has left behind,
 * by this daemon or one that was killed, is put right. */
void reset_reconcile(struct virt_domain *domain);

#endif
